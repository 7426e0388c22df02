//! Random input for decoders, the same in every run: seeds count up from one that is fixed. What has one fails with its number.

use apportion_proto::v1;
use prost::Message;
use std::time::{Duration, Instant};

/// Where the seeds begin.
const FIRST_SEED: u64 = 0x4150_504f_5254;
/// How long all fuzzing takes together, in seconds, unless `APPORTION_FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 60;
/// Decoders that are fuzzed here; the running server gets the other half of the time.
const DECODERS: u32 = 6;

/// A stream of random numbers (SplitMix64).
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.any() % bound.max(1) as u64).expect("below a usize")
    }

    /// So many random bytes at most.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.any().to_le_bytes()[0]).collect()
    }

    /// The same bytes with a few changes: some flipped, cut out, doubled or put in between.
    pub(crate) fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let until = (at + self.below(16)).min(bytes.len());
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.any().to_le_bytes()[0],
                2 => drop(bytes.drain(at..until)),
                3 => {
                    let part = bytes[at..until].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let part = self.bytes(8);
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}

/// Tells which case it was where one panics.
struct Case(u64);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the case with the seed {:#x} failed", self.0);
        }
    }
}

/// Runs case after case for as long as a decoder has, at least a few. Returns how many.
pub(crate) fn fuzz(mut case: impl FnMut(&mut Noise)) -> u64 {
    let seconds = std::env::var("APPORTION_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS)) / 2 / DECODERS;
    let begun = Instant::now();
    for number in 0.. {
        if number >= 20 && begun.elapsed() >= time {
            return number;
        }
        let seed = FIRST_SEED + number;
        let _case = Case(seed);
        case(&mut Noise(seed));
    }
    unreachable!("it ends by time")
}

/// Decodes bytes as a message, and hands it on where they are one.
fn decoded<M: Message + Default>(bytes: &[u8], then: impl FnOnce(M)) {
    if let Ok(message) = M::decode(bytes) {
        then(message);
    }
}

fn settle(lease: &str) -> v1::SettleLeaseRequest {
    let observation = v1::Observation {
        status: 429,
        limit_permits: Some(166),
        remaining_permits: Some(3),
        ..v1::Observation::default()
    };
    v1::SettleLeaseRequest {
        workspace: "default".into(),
        team: "default".into(),
        caller: "worker".into(),
        lease_id: lease.into(),
        used_permits: 1,
        observations: vec![observation],
        is_final: true,
        ..v1::SettleLeaseRequest::default()
    }
}

fn acquire() -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        workspace: "default".into(),
        team: "default".into(),
        caller: "worker".into(),
        permits: Some(5),
        min_permits: Some(1),
        max_wait: Some(prost_types::Duration { seconds: 3, nanos: 5 }),
        ..v1::AcquireLeaseRequest::default()
    }
}

#[test]
fn no_message_makes_a_conversion_panic_and_what_is_taken_is_inside_its_bounds() {
    use crate::convert::{mask, names, settle as reports, team, workspace};
    use crate::engine::{Acquire, LeaseReport};
    use apportion_core::ids::WorkspaceId;
    let id = WorkspaceId::new("default").expect("a name");
    let whole = v1::Workspace { preset: "intercom".into(), ..crate::preset::intercom() };
    let batch = v1::BatchSettleLeasesRequest { requests: vec![settle("1-1-00"), settle("2-2-ff")] };
    let teams = crate::preset::default_team("default");
    let valid = [
        acquire().encode_to_vec(),
        settle("1000000-1-c7205b7a97322d92").encode_to_vec(),
        batch.encode_to_vec(),
        whole.encode_to_vec(),
        teams.encode_to_vec(),
    ];
    let mut taken = 0_u64;
    let cases = fuzz(|noise| {
        let bytes = match noise.below(8) {
            0 => noise.bytes(200),
            number => noise.changed(&valid[number % valid.len()]),
        };
        decoded(&bytes, |message: v1::AcquireLeaseRequest| {
            if let Ok(acquire) = Acquire::try_from(&message) {
                taken += 1;
                assert!(acquire.permits.get() >= 1 && acquire.min_permits <= acquire.permits, "{message:?}");
            }
        });
        decoded(&bytes, |message: v1::SettleLeaseRequest| drop(LeaseReport::try_from(&message)));
        decoded(&bytes, |message: v1::BatchSettleLeasesRequest| drop(reports::batch(&message)));
        decoded(&bytes, |message: v1::Workspace| {
            if let Ok(policy) = workspace::policy(&message, Vec::new())
                && policy.check().is_ok()
            {
                taken += 1;
                // When it was made is kept beside what is configured.
                let created_at = apportion_core::time::Timestamp::ZERO;
                let policy = apportion_core::policy::Policy { created_at, ..policy };
                let again = workspace::wire_workspace(&id, &policy);
                assert_eq!(workspace::policy(&again, Vec::new()), Ok(policy), "{message:?}");
            }
            let _ = mask::update_workspace(&mut whole.clone(), &message, None);
        });
        decoded(&bytes, |message: v1::Team| drop(team::team_policies(&id, [&message])));
        let text = String::from_utf8_lossy(&bytes);
        let _ = (names::team("name", &text), names::page_start(&["list"], &text));
    });
    assert!(taken > cases / 100, "{taken} of {cases} were taken: nothing was shown");
}
