//! Every message that comes over the wire is a valid value or a fault of a named field, and never a panic.
//!
//! Messages are filled from seeds with values at, inside and beyond every bound; what is taken is held against the bounds of the
//! `.proto` files, which are written down here a second time.

mod random;

use crate::convert::settle::batch;
use crate::convert::{names, team, workspace};
use crate::engine::{Acquire, LeaseReport};
use crate::error::{Error, FieldError};
use crate::resource::{update_team, update_workspace};
use crate::status::ErrorScope;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use prost_types::{Duration, FieldMask};
use random::Random;

const CASES: u64 = 20_000;
const LARGEST: u32 = 1 << 28;

/// A fault names a field, says something, and fits into the headers of an answer.
fn is_told(fault: FieldError) {
    assert!(!fault.path().is_empty() && !fault.problem().is_empty());
    let status = Error::from(fault).status(&ErrorScope::default());
    let told = status.message().len() + status.details().len();
    assert!(told < 4_096, "{told} bytes: {}", status.message());
}

/// Runs `case` with many seeds, and demands that it is taken as well as refused.
fn cases<T>(case: impl Fn(&mut Random) -> Result<T, FieldError>) {
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..CASES {
        match case(&mut Random(seed)) {
            Ok(_) => taken += 1,
            Err(fault) => {
                is_told(fault);
                refused += 1;
            }
        }
    }
    assert!(taken > 50 && refused > 50, "{taken} taken and {refused} refused show nothing");
}

fn plain(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    first && name.len() <= 63 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn between(duration: Option<&Duration>, least_ns: i128, most_ns: i128) -> bool {
    duration.is_none_or(|span| {
        (least_ns..=most_ns).contains(&(i128::from(span.seconds) * 1_000_000_000 + i128::from(span.nanos)))
    })
}

#[test]
fn a_request_for_a_lease_is_inside_its_bounds_or_refused() {
    cases(|random| {
        let wire = random.acquire();
        let taken = Acquire::try_from(&wire)?;
        let (most, least) = (wire.permits.unwrap_or(1), wire.min_permits.unwrap_or(1));
        assert!((1..=LARGEST).contains(&most) && (1..=most).contains(&least), "{wire:?}");
        assert!([&wire.workspace, &wire.team].iter().all(|name| name.is_empty() || plain(name)), "{wire:?}");
        assert!(wire.caller.len() <= 128 && wire.request_id.len() <= 128);
        assert!((0..=3).contains(&wire.priority));
        assert!(between(wire.max_wait.as_ref(), 0, 3_600_000_000_000), "{wire:?}");
        assert_eq!(taken.permits.get(), most);
        Ok(taken)
    });
}

#[test]
fn a_settle_is_inside_its_bounds_or_refused() {
    cases(|random| {
        let wire = random.settle();
        let taken = LeaseReport::try_from(&wire)?;
        assert!((1..=128).contains(&wire.lease_id.len()) && wire.lease_id.is_ascii(), "{wire:?}");
        assert!(wire.used_permits <= LARGEST && wire.returned_permits <= LARGEST);
        for observation in &wire.observations {
            assert!(observation.status == 0 || (100..=599).contains(&observation.status));
            assert!(between(observation.age.as_ref(), 0, 3_600_000_000_000), "{observation:?}");
            assert!(between(observation.retry_after.as_ref(), 0, 31_622_400_000_000_000), "{observation:?}");
        }
        let limits = vec![v1::Limit {
            limit_id: "a".into(),
            permits: 1,
            window: Some(Duration { seconds: 10, nanos: 0 }),
            ..Default::default()
        }];
        let policy = workspace::policy(&v1::Workspace { limits, ..Default::default() }, vec![])?;
        for observation in &taken.observations {
            for now in [Timestamp::ZERO, Timestamp::MAX] {
                let _ = observation.resolve(&policy, None, now);
            }
        }
        batch(&v1::BatchSettleLeasesRequest { requests: vec![wire.clone()] })?;
        Ok(())
    });
}

#[test]
fn a_workspace_is_a_policy_that_comes_back_or_is_refused() {
    cases(|random| {
        let wire = random.workspace();
        let policy = workspace::policy(&wire, vec![])?;
        let id = WorkspaceId::new("w").expect("a name");
        match policy.check() {
            Ok(()) => {
                assert_eq!(workspace::policy(&workspace::wire_workspace(&id, &policy), vec![])?, policy)
            }
            Err(error) => assert!(!workspace::policy_field(&policy, &error).is_empty(), "{error}"),
        }
        Ok(policy)
    });
}

#[test]
fn a_team_comes_back_or_is_refused() {
    let (w, t) = (WorkspaceId::new("default").expect("a name"), TeamId::new("t").expect("a name"));
    cases(|random| {
        let wire = random.team();
        let taken = team::team_policy(&w, t.clone(), &wire)?;
        assert!((1..=10_000).contains(&wire.weight.unwrap_or(1)) && wire.reservation_permits <= LARGEST);
        assert_eq!(team::team_policy(&w, t.clone(), &team::wire_team(&w, &taken))?, taken);
        Ok(taken)
    });
}

#[test]
fn a_name_comes_back_or_is_refused() {
    cases(|random| {
        let parts = ["workspaces", "teams", "tokens", "/", "a", "", "*"];
        let many = random.any() % 5;
        let joined: Vec<_> = (0..many).map(|_| random.one_of(&parts)).collect();
        let text = random.text();
        let held = random.one_of(&[joined.join("/"), text]);
        let _ = names::page_start(&["ListTeams"], &held);
        let (workspace, team) = names::team("name", &held)?;
        assert_eq!(names::team_name(&workspace, &team), held);
        Ok(held)
    });
}

#[test]
fn an_update_changes_a_message_or_is_refused() {
    cases(|random| {
        let paths = ["*", "limits", "weight", "name", "holdback", "floors.default_billionths", "priority"];
        let many = random.any() % 3;
        let known: Vec<_> = (0..many).map(|_| random.one_of(&paths).to_string()).collect();
        let paths = if random.chance() { known } else { vec![random.text()] };
        let wanted = FieldMask { paths };
        let (mut workspace, mut team) = (random.workspace(), random.team());
        update_team(&mut team, &random.team(), Some(&wanted)).or_else(|fault| {
            is_told(fault);
            Ok::<(), FieldError>(())
        })?;
        let preset = workspace.preset.clone();
        update_workspace(&mut workspace, &v1::Workspace { preset, ..random.workspace() }, Some(&wanted))
    });
}
