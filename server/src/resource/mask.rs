//! Updates: which fields of a stored resource take the values of a request.

use super::field::{Field, Resource};
use crate::error::FieldError;
use apportion_proto::v1;
use prost_types::FieldMask;

/// Set at creation and never changed, in every resource.
const NAME: &str = "name";
/// Set by the server: a mask may name them, and an update ignores them.
const OUTPUT_ONLY: [&str; 3] = ["etag", "create_time", "update_time"];
/// What is wrong with a path that never changes.
const FIXED: &str = "is set at creation and never changed";

/// Changes a stored workspace as an update asks for. `stored` has its defaults written out, so that a single share of a priority can
/// be set. Values are not checked here; a field that the mask names and the request leaves out gets its default.
///
/// # Errors
/// [`FieldError`] where the mask names an unknown field or one that never changes, or the preset would change.
pub(crate) fn update_workspace(
    stored: &mut v1::Workspace,
    new: &v1::Workspace,
    mask: Option<&FieldMask>,
) -> Result<(), FieldError> {
    if !new.preset.is_empty() && new.preset != stored.preset {
        return Err(FieldError::new("workspace.preset", FIXED));
    }
    update(stored, new, mask)
}

/// Changes a stored team as an update asks for. Values are not checked here; a field that the mask names and the request leaves out
/// gets its default.
///
/// # Errors
/// [`FieldError`] where the mask names an unknown field or one that never changes.
pub(crate) fn update_team(
    stored: &mut v1::Team,
    new: &v1::Team,
    mask: Option<&FieldMask>,
) -> Result<(), FieldError> {
    update(stored, new, mask)
}

/// Changes a stored domain as an update asks for. Values are not checked here; a field that the mask names and the request leaves out
/// gets its default.
///
/// # Errors
/// [`FieldError`] where the mask names an unknown field or one that never changes.
pub(crate) fn update_domain(
    stored: &mut v1::Domain,
    new: &v1::Domain,
    mask: Option<&FieldMask>,
) -> Result<(), FieldError> {
    update(stored, new, mask)
}

/// Changes all that the mask names, or nothing where a path is refused.
fn update<M: Resource + Clone>(stored: &mut M, new: &M, mask: Option<&FieldMask>) -> Result<(), FieldError> {
    let mut changed = stored.clone();
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        changeable::<M>().filter(|field| field.is_set(new)).for_each(|field| (field.copy)(&mut changed, new));
    }
    for (place, path) in paths.iter().enumerate() {
        copy(&mut changed, new, path)
            .map_err(|problem| FieldError::new(format!("update_mask.paths[{place}]"), problem))?;
    }
    *stored = changed;
    Ok(())
}

fn changeable<M: Resource>() -> impl Iterator<Item = &'static Field<M>> {
    M::FIELDS.iter().filter(|field| !field.is_fixed)
}

/// Copies what one path of a mask names.
fn copy<M: Resource>(to: &mut M, from: &M, path: &str) -> Result<(), String> {
    if path == "*" {
        changeable::<M>().for_each(|field| (field.copy)(to, from));
        return Ok(());
    }
    let (name, part) = path.split_once('.').map_or((path, None), |(name, part)| (name, Some(part)));
    match (M::FIELDS.iter().find(|field| field.path == name), part) {
        (Some(field), None) if !field.is_fixed => (field.copy)(to, from),
        (Some(field), Some(part)) if (field.copy_part)(to, from, part) => {}
        (None, None) if OUTPUT_ONLY.contains(&name) => {}
        (Some(_), None) => return Err(format!("{path} {FIXED}")),
        (None, None) if name == NAME => return Err(format!("{path} {FIXED}")),
        _ => return Err(unknown::<M>(path)),
    }
    Ok(())
}

fn unknown<M: Resource>(path: &str) -> String {
    let shown: String = path.chars().take(64).collect();
    let names: Vec<_> = changeable::<M>().map(|field| field.path).collect();
    format!("{shown:?} is no field, there are: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(paths: &[&str]) -> Option<FieldMask> {
        Some(FieldMask { paths: paths.iter().map(|path| String::from(*path)).collect() })
    }

    fn stored() -> v1::Team {
        v1::Team { weight: Some(3), cap_permits: Some(9), reservation_permits: 2, ..Default::default() }
    }

    #[test]
    fn a_mask_changes_what_it_names_and_nothing_else() {
        let new = v1::Team { weight: Some(5), reservation_permits: 7, ..Default::default() };
        let mut team = stored();
        update_team(&mut team, &new, mask(&["weight", "cap_permits"]).as_ref()).expect("they are fields");
        assert_eq!(team, v1::Team { weight: Some(5), cap_permits: None, ..stored() });
    }

    #[test]
    fn without_a_mask_what_is_set_is_changed() {
        let new = v1::Team { weight: Some(5), ..Default::default() };
        for none in [None, mask(&[])] {
            let mut team = stored();
            update_team(&mut team, &new, none.as_ref()).expect("it is allowed");
            assert_eq!(team, v1::Team { weight: Some(5), ..stored() });
        }
    }

    #[test]
    fn a_star_replaces_all_but_what_never_changes() {
        let mut team = v1::Team { name: "n".into(), etag: "e".into(), ..stored() };
        let new = v1::Team { name: "other".into(), etag: "f".into(), ..Default::default() };
        update_team(&mut team, &new, mask(&["*"]).as_ref()).expect("it is allowed");
        assert_eq!(team, v1::Team { name: "n".into(), etag: "e".into(), ..Default::default() });
    }

    #[test]
    fn a_path_that_is_no_field_or_never_changes_is_refused_by_name_and_nothing_is_changed() {
        for odd in ["wait", "name", "weight.x", "", "limits"] {
            let (mut team, new) = (stored(), v1::Team::default());
            let told = update_team(&mut team, &new, mask(&["weight", odd]).as_ref()).expect_err("refused");
            assert_eq!((told.path(), &team), ("update_mask.paths[1]", &stored()));
            assert!(told.problem().contains(odd));
        }
        let mut workspace = v1::Workspace { preset: "intercom".into(), ..Default::default() };
        let new = v1::Workspace { preset: "other".into(), ..Default::default() };
        assert!(update_workspace(&mut workspace, &new, None).is_err());
        assert!(update_workspace(&mut workspace.clone(), &workspace, None).is_ok());
    }

    #[test]
    fn one_share_of_a_priority_is_set_alone() {
        let shares = |critical_billionths, default_billionths| {
            Some(v1::PriorityShares { critical_billionths, default_billionths, sheddable_billionths: 0 })
        };
        let mut workspace = v1::Workspace { floors: shares(1, 2), ..Default::default() };
        let new = v1::Workspace { floors: shares(7, 8), ..Default::default() };
        let only = mask(&["floors.default_billionths", "update_time"]);
        update_workspace(&mut workspace, &new, only.as_ref()).expect("they are fields");
        assert_eq!(workspace.floors, shares(1, 8));
    }
}
