//! Random messages with values at, inside and beyond every bound.

use apportion_proto::v1;
use prost_types::{Duration, Timestamp as WireTimestamp};

const LARGEST: u32 = 1 << 28;

/// A stream of random numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.any() % values.len() as u64).expect("small")].clone()
    }

    pub(crate) fn chance(&mut self) -> bool {
        self.any() > u64::MAX / 2
    }

    pub(crate) fn number(&mut self) -> u32 {
        let any = self.any() as u32;
        self.one_of(&[0, 1, 2, 10, 166, 10_000, 10_001, LARGEST, LARGEST + 1, 1_000_000_001, u32::MAX, any])
    }

    pub(crate) fn maybe<T>(&mut self, value: impl Fn(&mut Self) -> T) -> Option<T> {
        self.chance().then(|| value(self))
    }

    /// An ordinary value in seven cases of eight, so that one fault does not hide the next.
    pub(crate) fn mostly<T>(&mut self, ordinary: T, wild: impl Fn(&mut Self) -> T) -> T {
        if self.any().is_multiple_of(8) { wild(self) } else { ordinary }
    }

    pub(crate) fn seconds(&mut self) -> i64 {
        let any = self.any() as i64;
        self.one_of(&[0, 1, 10, 3_600, 3_601, 31_622_400, 31_622_401, -1, i64::MIN, i64::MAX, any])
    }

    pub(crate) fn nanos(&mut self) -> i32 {
        let any = self.any() as i32;
        self.one_of(&[0, 0, 1, 850_000_000, 999_999_999, 1_000_000_000, -1, i32::MIN, i32::MAX, any])
    }

    pub(crate) fn duration(&mut self) -> Duration {
        Duration { seconds: self.seconds(), nanos: self.nanos() }
    }

    fn time(&mut self) -> WireTimestamp {
        WireTimestamp { seconds: self.seconds(), nanos: self.nanos() }
    }

    pub(crate) fn text(&mut self) -> String {
        let bytes: Vec<u8> = (0..self.any() % 12).map(|_| self.any() as u8).collect();
        let any = String::from_utf8_lossy(&bytes).into_owned();
        let long = "a".repeat(self.one_of(&[63, 64, 128, 129, 5_000]));
        let plain = ["", "", "default", "a.b-c_1", "-a", "a/b", "ä", "\0", "workspaces/default/teams/a"];
        let plain = self.one_of(&plain).to_string();
        self.one_of(&[plain.clone(), plain, any, long])
    }

    pub(crate) fn priority(&mut self) -> i32 {
        self.one_of(&[0, 1, 2, 3, 4, -1, i32::MIN, i32::MAX])
    }

    pub(crate) fn acquire(&mut self) -> v1::AcquireLeaseRequest {
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

    pub(crate) fn observation(&mut self) -> v1::Observation {
        let time = self.time();
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

    pub(crate) fn settle(&mut self) -> v1::SettleLeaseRequest {
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

    pub(crate) fn shares(&mut self) -> v1::PriorityShares {
        let mut share = || self.one_of(&[0, 1, 500_000_000, 1_000_000_000, 1_000_000_001, u32::MAX]);
        v1::PriorityShares {
            critical_billionths: share(),
            default_billionths: share(),
            sheddable_billionths: share(),
        }
    }

    pub(crate) fn workspace(&mut self) -> v1::Workspace {
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

    pub(crate) fn team(&mut self) -> v1::Team {
        v1::Team {
            name: self.text(),
            parent_team: self.text(),
            weight: self.maybe(Self::number),
            reservation_permits: self.number(),
            cap_permits: self.maybe(Self::number),
            reservation_protected: self.chance(),
            priority: self.priority(),
            highest_priority: self.priority(),
            etag: self.text(),
            create_time: self.maybe(Self::time),
            update_time: self.maybe(Self::time),
        }
    }
}
