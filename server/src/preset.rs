//! Presets: the documented limits of a provider, which its responses correct at run time, and what these responses say.

mod catalog;

use crate::convert::lease::DEFAULT_NAME;
use crate::error::FieldError;
use apportion_proto::v1;
use prost_types::Duration;

pub use catalog::{ALL, Preset};

/// The preset of the workspace that a server starts with.
pub const INTERCOM: &str = "intercom";
/// The preset whose signals a workspace without a preset has: the standard headers.
const STANDARD: &str = "ietf";

/// A workspace with the preset `intercom`, with all defaults of the contract. The caller sets its name and times.
///
/// The provider documents 1000 requests per minute, enforced as 166 in each 10 s, aligned to the Unix epoch.
pub fn intercom() -> v1::Workspace {
    let shares = |critical_billionths, default_billionths, sheddable_billionths| {
        Some(v1::PriorityShares { critical_billionths, default_billionths, sheddable_billionths })
    };
    v1::Workspace {
        preset: INTERCOM.into(),
        limits: vec![v1::Limit {
            limit_id: "per-10s".into(),
            permits: 166,
            window: ms(10_000),
            phase: ms(0),
            start_margin: ms(100),
            guard: ms(850),
            lease_life: ms(250),
        }],
        holdback: shares(200_000_000, 0, 0),
        floors: shares(0, 100_000_000, 50_000_000),
        edge: Some(v1::EdgePriorities { priorities: vec![v1::Priority::Critical.into()] }),
        others_memory_windows: Some(3),
        spare_edge: Some(true),
        ..v1::Workspace::default()
    }
}

fn ms(ms: i32) -> Option<Duration> {
    Some(Duration { seconds: i64::from(ms / 1000), nanos: ms % 1000 * 1_000_000 })
}

/// The team `default` of `workspace`, with all defaults. It exists in every workspace.
pub fn default_team(workspace: &str) -> v1::Team {
    v1::Team {
        name: format!("workspaces/{workspace}/teams/{DEFAULT_NAME}"),
        weight: Some(1),
        priority: v1::Priority::Default.into(),
        highest_priority: v1::Priority::Default.into(),
        ..v1::Team::default()
    }
}

/// The preset of this name; none for an empty name.
///
/// # Errors
/// [`FieldError`] where there is no such preset.
pub fn named(preset: &str) -> Result<Option<&'static Preset>, FieldError> {
    if preset.is_empty() {
        return Ok(None);
    }
    let unknown = || {
        let names: Vec<_> = ALL.iter().map(|preset| preset.name).collect();
        FieldError::new("preset", format!("no such preset, known are: {}", names.join(", ")))
    };
    ALL.iter().find(|known| known.name == preset).map(Some).ok_or_else(unknown)
}

/// Gives a new workspace the limits of its preset, unless it defines its own.
///
/// # Errors
/// [`FieldError`] where there is no such preset, its limits cannot be served yet, or there are neither limits nor a preset.
pub fn complete(workspace: &mut v1::Workspace) -> Result<(), FieldError> {
    let preset = named(&workspace.preset)?;
    if workspace.limits.is_empty() {
        let preset =
            preset.ok_or_else(|| FieldError::new("limits", "must not be absent without a preset"))?;
        match preset.unserved {
            Some(why) => {
                let problem = format!(
                    "the limits of {} cannot be served yet: {why}; set `limits` to fixed windows that are no looser",
                    preset.name
                );
                return Err(FieldError::new("preset", problem));
            }
            None => workspace.limits = intercom().limits,
        }
    }
    Ok(())
}

/// The signals that clients of a workspace get: its own, or those of its preset as far as they are about its limits, or else those
/// of the standard headers.
pub fn signals(workspace: &v1::Workspace) -> v1::Signals {
    if let Some(own) = &workspace.signals {
        return own.clone();
    }
    let of = |name: &str| ALL.iter().find(|preset| preset.name == name);
    let preset = of(&workspace.preset).or_else(|| of(STANDARD));
    let mut signals = preset.map(Preset::signals).unwrap_or_default();
    let exists = |id: &str| id.is_empty() || workspace.limits.iter().any(|limit| limit.limit_id == id);
    signals.limits.retain(|signal| exists(&signal.limit));
    signals.throttles.retain(|signal| exists(&signal.limit));
    signals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::team::{team_policy, wire_team};
    use crate::convert::workspace::{policy, wire_workspace};
    use apportion_core::ids::{TeamId, WorkspaceId};

    #[test]
    fn the_preset_and_its_team_say_what_the_contract_has_for_absent() {
        let id = WorkspaceId::new("w").expect("a name");
        let plain = v1::Workspace { limits: intercom().limits, ..Default::default() };
        let policy = policy(&plain, vec![]).expect("it is allowed");
        policy.check().expect("it is a policy");
        let told = wire_workspace(&id, &policy);
        let named = v1::Workspace { name: "workspaces/w".into(), preset: String::new(), ..intercom() };
        assert_eq!(told, named);
        let team = TeamId::new("default").expect("a name");
        let team = team_policy(&id, team, &v1::Team::default()).expect("it is allowed");
        assert_eq!(wire_team(&id, &team), default_team("w"));
    }

    #[test]
    fn a_workspace_has_the_limits_of_its_preset_or_its_own() {
        let mut of_preset = v1::Workspace { preset: "intercom".into(), ..Default::default() };
        complete(&mut of_preset).expect("there is such a preset");
        assert_eq!(of_preset.limits, intercom().limits);
        let own = vec![v1::Limit::default()];
        let mut with_own = v1::Workspace { limits: own.clone(), ..of_preset };
        complete(&mut with_own).expect("there is such a preset");
        assert_eq!(with_own.limits, own);
        assert!(complete(&mut v1::Workspace::default()).is_err());
        assert!(complete(&mut v1::Workspace { preset: "x".into(), ..Default::default() }).is_err());
    }

    #[test]
    fn a_preset_that_cannot_be_served_is_refused_with_its_reason_unless_limits_are_given() {
        for preset in ALL.iter().filter(|preset| preset.unserved.is_some()) {
            let mut of_preset = v1::Workspace { preset: preset.name.into(), ..Default::default() };
            let refused = complete(&mut of_preset).expect_err("it cannot be served").to_string();
            assert!(refused.contains(preset.name) && refused.contains(preset.unserved.unwrap_or_default()));
            of_preset.limits = intercom().limits;
            assert_eq!(complete(&mut of_preset), Ok(()), "{}", preset.name);
        }
        let unknown = named("x").expect_err("there is none").to_string();
        assert!(ALL.iter().all(|preset| unknown.contains(preset.name)), "{unknown}");
    }

    #[test]
    fn the_signals_of_every_preset_can_be_read_and_keep_every_bound() {
        for preset in &ALL {
            let limits =
                ["", "daily", "search"].map(|id| v1::Limit { limit_id: id.into(), ..Default::default() });
            let signals = preset.signals();
            assert!(!signals.throttles.is_empty(), "{}", preset.name);
            assert_eq!(crate::signals::check(&signals, &limits), Ok(()), "{}", preset.name);
        }
    }

    #[test]
    fn a_workspace_has_its_own_signals_or_those_of_its_preset_about_its_limits_or_the_standard_ones() {
        let mut workspace =
            v1::Workspace { preset: "hubspot".into(), limits: intercom().limits, ..Default::default() };
        let all = named("hubspot").expect("known").expect("one").signals();
        let of_preset = signals(&workspace);
        assert_eq!((all.limits.len(), of_preset.limits.len()), (2, 1));
        assert_eq!((all.throttles.len(), of_preset.throttles.len()), (2, 1));
        workspace.limits[0].limit_id = "daily".into();
        assert_eq!(signals(&workspace), all);
        workspace.signals = Some(v1::Signals::default());
        assert_eq!(signals(&workspace), v1::Signals::default());
        let standard = named("ietf").expect("known").expect("one").signals();
        assert_eq!(signals(&v1::Workspace::default()), standard);
    }
}
