//! Presets: the documented limits of a provider. Its responses correct them at run time.

use crate::convert::lease::DEFAULT_NAME;
use crate::error::FieldError;
use apportion_proto::v1;
use prost_types::Duration;

/// The preset of the workspace that a server starts with.
pub const INTERCOM: &str = "intercom";
/// Every preset, by name.
pub const NAMES: [&str; 1] = [INTERCOM];

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

/// The workspace of a preset; none for an empty name.
///
/// # Errors
/// [`FieldError`] where there is no such preset.
pub fn named(preset: &str) -> Result<Option<v1::Workspace>, FieldError> {
    match preset {
        "" => Ok(None),
        INTERCOM => Ok(Some(intercom())),
        _ => Err(FieldError::new("preset", format!("no such preset, known are: {}", NAMES.join(", ")))),
    }
}

/// Gives a new workspace the limits of its preset, unless it defines its own.
///
/// # Errors
/// [`FieldError`] where there is no such preset, or neither limits nor a preset.
pub fn complete(workspace: &mut v1::Workspace) -> Result<(), FieldError> {
    let preset = named(&workspace.preset)?;
    if workspace.limits.is_empty() {
        let absent = || FieldError::new("limits", "must not be absent without a preset");
        workspace.limits = preset.ok_or_else(absent)?.limits;
    }
    Ok(())
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
}
