//! Whatever comes over the wire is either a valid value or a fault of a named field, and never a panic.
//!
//! Messages are filled from seeds with values at, inside and beyond every bound; what is taken is held against the bounds of the
//! `.proto` files, which are written down here a second time.

use crate::convert::field::FieldError;
use crate::convert::lease::Acquire;
use crate::convert::settle::{Settle, batch};
use crate::convert::{names, team, workspace};
use crate::resource::{update_team, update_workspace};
use crate::status::{Error, Place};
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use prost_types::{Duration, FieldMask, Timestamp as WireTimestamp};

const CASES: u64 = 20_000;
const LARGEST: u32 = 1 << 28;

/// A stream of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.any() % values.len() as u64).expect("small")].clone()
    }

    fn chance(&mut self) -> bool {
        self.any() > u64::MAX / 2
    }

    fn number(&mut self) -> u32 {
        let any = self.any() as u32;
        self.one_of(&[0, 1, 2, 10, 166, 10_000, 10_001, LARGEST, LARGEST + 1, 1_000_000_001, u32::MAX, any])
    }

    fn maybe<T>(&mut self, value: impl Fn(&mut Self) -> T) -> Option<T> {
        self.chance().then(|| value(self))
    }

    /// An ordinary value in seven cases of eight, so that one fault does not hide the next.
    fn mostly<T>(&mut self, ordinary: T, wild: impl Fn(&mut Self) -> T) -> T {
        if self.any().is_multiple_of(8) { wild(self) } else { ordinary }
    }

    fn seconds(&mut self) -> i64 {
        let any = self.any() as i64;
        self.one_of(&[0, 1, 10, 3_600, 3_601, 31_622_400, 31_622_401, -1, i64::MIN, i64::MAX, any])
    }

    fn nanos(&mut self) -> i32 {
        let any = self.any() as i32;
        self.one_of(&[0, 0, 1, 850_000_000, 999_999_999, 1_000_000_000, -1, i32::MIN, i32::MAX, any])
    }

    fn duration(&mut self) -> Duration {
        Duration { seconds: self.seconds(), nanos: self.nanos() }
    }

    fn text(&mut self) -> String {
        let bytes: Vec<u8> = (0..self.any() % 12).map(|_| self.any() as u8).collect();
        let any = String::from_utf8_lossy(&bytes).into_owned();
        let long = "a".repeat(self.one_of(&[63, 64, 128, 129, 5_000]));
        let plain = ["", "", "default", "a.b-c_1", "-a", "a/b", "ä", "\0", "workspaces/default/teams/a"];
        let plain = self.one_of(&plain).to_string();
        self.one_of(&[plain.clone(), plain, any, long])
    }

    fn priority(&mut self) -> i32 {
        self.one_of(&[0, 1, 2, 3, 4, -1, i32::MIN, i32::MAX])
    }

    fn acquire(&mut self) -> v1::AcquireLeaseRequest {
        v1::AcquireLeaseRequest {
            workspace: self.text(),
            team: self.text(),
            caller: self.text(),
            priority: self.priority(),
            permits: self.maybe(Self::number),
            min_permits: self.maybe(Self::number),
            max_wait: self.maybe(Self::duration),
            request_id: self.text(),
        }
    }

    fn observation(&mut self) -> v1::Observation {
        let time = WireTimestamp { seconds: self.seconds(), nanos: self.nanos() };
        let after = self.duration();
        let resets = [v1::observation::Reset::ResetTime(time), v1::observation::Reset::ResetAfter(after)];
        v1::Observation {
            limit: self.text(),
            status: self.one_of(&[0, 99, 100, 429, 599, 600, u32::MAX]),
            limit_permits: self.maybe(Self::number),
            remaining_permits: self.maybe(Self::number),
            reset: self.maybe(|random| random.one_of(&resets)),
            reset_precision: self.maybe(Self::duration),
            throttled: self.chance(),
            retry_after: self.maybe(Self::duration),
            age: self.maybe(Self::duration),
        }
    }

    fn settle(&mut self) -> v1::SettleLeaseRequest {
        let many = self.one_of(&[0, 0, 1, 2, 65]);
        v1::SettleLeaseRequest {
            workspace: self.text(),
            team: self.text(),
            caller: self.text(),
            lease_id: self.text(),
            used_permits: self.number(),
            returned_permits: self.number(),
            is_final: self.chance(),
            observations: (0..many).map(|_| self.observation()).collect(),
        }
    }

    fn shares(&mut self) -> v1::PriorityShares {
        let mut share = || self.one_of(&[0, 1, 500_000_000, 1_000_000_000, 1_000_000_001, u32::MAX]);
        v1::PriorityShares {
            critical_billionths: share(),
            default_billionths: share(),
            sheddable_billionths: share(),
        }
    }

    fn workspace(&mut self) -> v1::Workspace {
        let many = self.one_of(&[0, 1, 1, 2, 9]);
        let limits = (0..many).map(|_| v1::Limit {
            limit_id: self.mostly("a".into(), Self::text),
            permits: self.mostly(166, Self::number),
            window: self
                .mostly(Some(Duration { seconds: 10, nanos: 0 }), |random| random.maybe(Self::duration)),
            phase: self.mostly(None, |random| random.maybe(Self::duration)),
            start_margin: self.mostly(None, |random| random.maybe(Self::duration)),
            guard: self.mostly(None, |random| random.maybe(Self::duration)),
            lease_life: self.mostly(None, |random| random.maybe(Self::duration)),
        });
        v1::Workspace {
            limits: limits.collect(),
            holdback: self.mostly(None, |random| random.maybe(Self::shares)),
            floors: self.mostly(None, |random| random.maybe(Self::shares)),
            largest_lease_permits: self.mostly(None, |random| random.maybe(Self::number)),
            edge: self.maybe(|random| v1::EdgePriorities {
                priorities: (0..random.any() % 5).map(|_| random.priority()).collect(),
            }),
            others_memory_windows: self.maybe(Self::number),
            spare_edge: self.maybe(Self::chance),
            name: self.text(),
            preset: self.text(),
            ..v1::Workspace::default()
        }
    }

    fn team(&mut self) -> v1::Team {
        v1::Team {
            name: self.text(),
            parent_team: self.text(),
            weight: self.maybe(Self::number),
            reservation_permits: self.number(),
            cap_permits: self.maybe(Self::number),
            reservation_protected: self.chance(),
            priority: self.priority(),
            highest_priority: self.priority(),
            ..v1::Team::default()
        }
    }
}

/// A fault names a field, says something, and fits into the headers of an answer.
fn is_told(fault: FieldError) {
    assert!(!fault.path().is_empty() && !fault.problem().is_empty());
    let status = Error::from(fault).status(&Place::default());
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
        let taken = Settle::try_from(&wire)?;
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
                let _ = observation.observed(&policy, None, now);
            }
        }
        batch(&v1::BatchSettleLeasesRequest { requests: vec![wire] })?;
        Ok(taken)
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
