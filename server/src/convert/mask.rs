//! Updates: which fields of a stored resource become those of a request.

use crate::error::FieldError;
use apportion_proto::v1;
use prost_types::FieldMask;

/// What an update may do with a field.
enum Field<M> {
    /// It is set, with this, to what the request holds.
    Set(fn(&mut M, &M)),
    /// It is set at creation and never changed.
    Fixed,
    /// What the request holds is ignored.
    Ignored,
}

/// A field that a mask may name: its path, whether a message has it set, and what an update does.
type Row<M> = (&'static str, fn(&M) -> bool, Field<M>);

/// A row whose field an update sets.
fn row<M>(path: &'static str, is_set: fn(&M) -> bool, set: fn(&mut M, &M)) -> Row<M> {
    (path, is_set, Field::Set(set))
}

macro_rules! rows {
    ($($field:ident: $is_set:expr;)*) => {
        vec![$(row(stringify!($field), $is_set, |stored, new| stored.$field = new.$field.clone())),*]
    };
}

macro_rules! shares {
    ($field:ident) => {
        [
            share!($field, critical_billionths),
            share!($field, default_billionths),
            share!($field, sheddable_billionths),
        ]
    };
}

macro_rules! share {
    ($shares:ident, $share:ident) => {
        (
            concat!(stringify!($shares), ".", stringify!($share)),
            (|_| false) as fn(&_) -> _, // without a mask the shares are set together
            Field::Set(|stored: &mut v1::Workspace, new: &v1::Workspace| {
                let share = new.$shares.as_ref().map_or(0, |shares| shares.$share);
                stored.$shares.get_or_insert_default().$share = share;
            }),
        )
    };
}

fn workspace_rows() -> Vec<Row<v1::Workspace>> {
    let mut rows: Vec<Row<v1::Workspace>> = rows![
        limits: |m| !m.limits.is_empty();
        holdback: |m| m.holdback.is_some();
        floors: |m| m.floors.is_some();
        largest_lease_permits: |m| m.largest_lease_permits.is_some();
        edge: |m| m.edge.is_some();
        others_memory_windows: |m| m.others_memory_windows.is_some();
        spare_edge: |m| m.spare_edge.is_some();
    ];
    rows.extend(shares!(holdback));
    rows.extend(shares!(floors));
    rows.extend([
        ("name", (|_| false) as fn(&_) -> _, Field::Fixed),
        ("preset", |m: &v1::Workspace| !m.preset.is_empty(), Field::Fixed),
        ("etag", |_| false, Field::Ignored),
        ("create_time", |_| false, Field::Ignored),
        ("update_time", |_| false, Field::Ignored),
    ]);
    rows
}

fn team_rows() -> Vec<Row<v1::Team>> {
    let mut rows: Vec<Row<v1::Team>> = rows![
        parent_team: |m| !m.parent_team.is_empty();
        weight: |m| m.weight.is_some();
        reservation_permits: |m| m.reservation_permits != 0;
        cap_permits: |m| m.cap_permits.is_some();
        reservation_protected: |m| m.reservation_protected;
        priority: |m| m.priority != 0;
        highest_priority: |m| m.highest_priority != 0;
    ];
    rows.extend([
        ("name", (|_| false) as fn(&_) -> _, Field::Fixed),
        ("etag", |_| false, Field::Ignored),
        ("create_time", |_| false, Field::Ignored),
        ("update_time", |_| false, Field::Ignored),
    ]);
    rows
}

/// Changes a stored workspace as an update asks for. `stored` has its defaults written out, so that a part of its shares can be set.
/// Values are not checked here; a field that was named and absent is absent after, which is its default.
///
/// # Errors
/// [`FieldError`] where the mask names what is no field or never changes, or the preset is to become another one.
pub fn update_workspace(
    stored: &mut v1::Workspace,
    new: &v1::Workspace,
    mask: Option<&FieldMask>,
) -> Result<(), FieldError> {
    if !new.preset.is_empty() && new.preset != stored.preset {
        return Err(fixed("workspace.preset"));
    }
    update(&workspace_rows(), stored, new, mask)
}

/// Changes a stored team as an update asks for. Values are not checked here; a field that was named and absent is absent after, which
/// is its default.
///
/// # Errors
/// [`FieldError`] where the mask names what is no field or never changes.
pub fn update_team(
    stored: &mut v1::Team,
    new: &v1::Team,
    mask: Option<&FieldMask>,
) -> Result<(), FieldError> {
    update(&team_rows(), stored, new, mask)
}

/// Checks every path first, then changes.
fn update<M: Clone>(
    rows: &[Row<M>],
    stored: &mut M,
    new: &M,
    mask: Option<&FieldMask>,
) -> Result<(), FieldError> {
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    let mut changes = Vec::new();
    if paths.is_empty() {
        changes.extend(rows.iter().filter(|(_, is_set, _)| is_set(new)));
    }
    for (place, path) in paths.iter().enumerate() {
        if path == "*" {
            changes.extend(rows.iter().filter(|(name, ..)| !name.contains('.')));
            continue;
        }
        let at = format!("update_mask.paths[{place}]");
        let row = rows.iter().find(|(name, ..)| name == path).ok_or_else(|| unknown(&at, path, rows))?;
        match row.2 {
            Field::Fixed => {
                return Err(FieldError::new(at, format!("{path} is set at creation and never changed")));
            }
            Field::Set(_) | Field::Ignored => changes.push(row),
        }
    }
    for (_, _, field) in changes {
        if let Field::Set(set) = field {
            set(stored, new);
        }
    }
    Ok(())
}

fn fixed(path: &str) -> FieldError {
    FieldError::new(path, "is set at creation and never changed")
}

fn unknown<M>(at: &str, path: &str, rows: &[Row<M>]) -> FieldError {
    let shown: String = path.chars().take(64).collect();
    let fields = rows.iter().filter(|(_, _, field)| matches!(field, Field::Set(_)));
    let names: Vec<_> = fields.map(|(name, ..)| *name).filter(|name| !name.contains('.')).collect();
    FieldError::new(at, format!("{shown:?} is no field, there are: {}", names.join(", ")))
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
