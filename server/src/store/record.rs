//! A shard's record as bytes: a version, then protobuf. What is read is checked as if anybody had written it.

use super::format;
use apportion_core::facts::{Learnt, PhaseInterval};
use apportion_core::ids::{LimitId, NameError, NodeId, WorkspaceId};
use apportion_core::ledger::{LEARNT_MAX, MARKS_MAX, Mark, MarkKey, ShardRecord};
use apportion_core::permits::Permits;
use apportion_core::time::{Span, Timestamp};
use prost::Message;
use std::collections::BTreeMap;
use thiserror::Error;

/// The version of the bytes that this program writes. An older one is read as well; a newer one is refused.
const VERSION: u8 = 1;

/// Why bytes are no record.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RecordError {
    /// There is not a single byte.
    #[error("the record is empty")]
    Empty,
    /// A newer program wrote it.
    #[error("the record has version {found}, this program knows versions up to {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// It is not protobuf.
    #[error("the record cannot be read: {0}")]
    Malformed(String),
    /// A name that nothing may have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A number of permits that is too large.
    #[error("{0} permits are too many")]
    Permits(u32),
    /// A number of another length than 16 bytes.
    #[error("a number of {0} bytes stands where one of 16 belongs")]
    Number(usize),
    /// The same mark or limit stands twice.
    #[error("{0} stands in the record twice")]
    Twice(String),
    /// More than a record holds.
    #[error("the record has more than {0} entries of a kind")]
    TooMany(usize),
}

impl From<prost::DecodeError> for RecordError {
    fn from(error: prost::DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The key of a shard's record.
pub fn key(shard: u16) -> String {
    format!("shard/{shard:04}")
}

/// The record as bytes.
pub fn encode(record: &ShardRecord) -> Vec<u8> {
    let message = format::Shard {
        epoch: record.epoch,
        owner: record.owner.to_string(),
        nonce: record.nonce.to_be_bytes().into(),
        incarnation: record.incarnation.to_be_bytes().into(),
        closed_through: record.closed_through.as_ns(),
        spent_before: record.spent_before.as_ns(),
        limits: limits(record),
    };
    let mut bytes = Vec::with_capacity(1 + message.encoded_len());
    bytes.push(VERSION);
    bytes.extend(message.encode_to_vec());
    bytes
}

/// Marks and what was learnt, put together by limit.
fn limits(record: &ShardRecord) -> Vec<format::Limit> {
    let mut limits: BTreeMap<(&str, &str), format::Limit> = BTreeMap::new();
    let empty = |workspace: &WorkspaceId, limit: &LimitId| format::Limit {
        workspace: workspace.to_string(),
        limit: limit.to_string(),
        ..format::Limit::default()
    };
    for (MarkKey { workspace, limit, window_start }, mark) in &record.marks {
        let known = limits.entry((workspace.as_str(), limit.as_str()));
        known.or_insert_with(|| empty(workspace, limit)).marks.push(format::Mark {
            window_start: window_start.as_ns(),
            window_end: mark.window_end.as_ns(),
            hi: mark.hi.get(),
        });
    }
    for ((workspace, limit), learnt) in &record.learnt {
        let known = limits.entry((workspace.as_str(), limit.as_str()));
        known.or_insert_with(|| empty(workspace, limit)).learnt = Some(learnt_message(learnt));
    }
    limits.into_values().collect()
}

fn learnt_message(learnt: &Learnt) -> format::Learnt {
    // Taken apart by name: a new field does not compile until it is kept too.
    let Learnt { permits, phase, cooldown_until, others } = *learnt;
    format::Learnt {
        permits: permits.map(Permits::get),
        phase: phase.map(|PhaseInterval { least, spread }| format::Phase {
            least: least.as_ns(),
            spread: spread.as_ns(),
        }),
        cooldown_until: cooldown_until.map(Timestamp::as_ns),
        others: others.get(),
    }
}

/// The record that the bytes hold.
///
/// # Errors
/// [`RecordError`] where they hold none.
pub fn decode(bytes: &[u8]) -> Result<ShardRecord, RecordError> {
    let (&version, bytes) = bytes.split_first().ok_or(RecordError::Empty)?;
    if version != VERSION {
        return Err(RecordError::Version { found: version });
    }
    let message = format::Shard::decode(bytes)?;
    let mut record = ShardRecord::first(
        NodeId::new(&message.owner)?,
        number(&message.nonce)?,
        number(&message.incarnation)?,
    );
    record.epoch = message.epoch;
    record.closed_through = Timestamp::from_ns(message.closed_through);
    record.spent_before = Timestamp::from_ns(message.spent_before);
    for limit in message.limits {
        take(limit, &mut record)?;
    }
    Ok(record)
}

/// Takes one limit into the record.
fn take(message: format::Limit, record: &mut ShardRecord) -> Result<(), RecordError> {
    let (workspace, limit) = (WorkspaceId::new(&message.workspace)?, LimitId::new(&message.limit)?);
    if record.marks.len() + message.marks.len() > MARKS_MAX {
        return Err(RecordError::TooMany(MARKS_MAX));
    }
    for mark in message.marks {
        let window_start = Timestamp::from_ns(mark.window_start);
        let key = MarkKey { workspace: workspace.clone(), limit: limit.clone(), window_start };
        let mark = Mark { window_end: Timestamp::from_ns(mark.window_end), hi: permits(mark.hi)? };
        if record.marks.insert(key, mark).is_some() {
            return Err(RecordError::Twice(format!("a mark of {workspace} {limit}")));
        }
    }
    let Some(message) = message.learnt else { return Ok(()) };
    if record.learnt.len() >= LEARNT_MAX {
        return Err(RecordError::TooMany(LEARNT_MAX));
    }
    let twice = format!("what was learnt of {workspace} {limit}");
    match record.learnt.insert((workspace, limit), learnt(message)?) {
        Some(_) => Err(RecordError::Twice(twice)),
        None => Ok(()),
    }
}

fn learnt(message: format::Learnt) -> Result<Learnt, RecordError> {
    Ok(Learnt {
        permits: message.permits.map(permits).transpose()?,
        phase: message.phase.map(|phase| PhaseInterval {
            least: Span::from_ns(phase.least),
            spread: Span::from_ns(phase.spread),
        }),
        cooldown_until: message.cooldown_until.map(Timestamp::from_ns),
        others: permits(message.others)?,
    })
}

fn permits(count: u32) -> Result<Permits, RecordError> {
    Permits::new(count).ok_or(RecordError::Permits(count))
}

fn number(bytes: &[u8]) -> Result<u128, RecordError> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| RecordError::Number(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of numbers that repeats with its seed.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }

        fn permits(&mut self) -> Permits {
            Permits::clamped(self.below(1 << 29))
        }

        fn instant(&mut self) -> Timestamp {
            Timestamp::from_ns(self.below(1 << 31) * self.below(1 << 31))
        }

        fn limit(&mut self) -> (WorkspaceId, LimitId) {
            let workspace = WorkspaceId::new(&format!("w{}", self.below(4))).expect("a name");
            (workspace, LimitId::new(&format!("l{}", self.below(3))).expect("a name"))
        }

        fn learnt(&mut self) -> Learnt {
            Learnt {
                permits: (self.below(2) == 0).then(|| self.permits()),
                phase: (self.below(2) == 0).then(|| PhaseInterval {
                    least: Span::from_ns(self.below(1 << 40)),
                    spread: Span::from_ns(self.below(1 << 30)),
                }),
                cooldown_until: (self.below(2) == 0).then(|| self.instant()),
                others: self.permits(),
            }
        }

        fn record(&mut self) -> ShardRecord {
            let owner = NodeId::new(&format!("node-{}", self.below(9))).expect("a name");
            let wide = |random: &mut Self| u128::from(random.below(u64::MAX)) << random.below(90);
            let mut record = ShardRecord::first(owner, wide(self), wide(self));
            record.epoch = self.below(u64::MAX);
            (record.closed_through, record.spent_before) = (self.instant(), self.instant());
            for _ in 0..self.below(20) {
                let (workspace, limit) = self.limit();
                let key = MarkKey { workspace, limit, window_start: self.instant() };
                record.marks.insert(key, Mark { window_end: self.instant(), hi: self.permits() });
            }
            for _ in 0..self.below(6) {
                let (limit, learnt) = (self.limit(), self.learnt());
                record.learnt.insert(limit, learnt);
            }
            record
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let mut random = Random(1);
        for _ in 0..10_000 {
            let record = random.record();
            assert_eq!(decode(&encode(&record)), Ok(record));
        }
    }

    #[test]
    fn the_largest_record_has_its_place_in_a_store() {
        let name = |number: usize| format!("{number:063}");
        let mut record = ShardRecord::first(NodeId::new(&name(0)).expect("a name"), u128::MAX, u128::MAX);
        let most = Permits::MAX;
        let phase = Some(PhaseInterval { least: Span::MAX, spread: Span::MAX });
        for number in 0..MARKS_MAX {
            let workspace = WorkspaceId::new(&name(number)).expect("a name");
            let limit = LimitId::new(&name(number)).expect("a name");
            if number < LEARNT_MAX {
                let (permits, cooldown_until) = (Some(most), Some(Timestamp::MAX));
                let learnt = Learnt { permits, phase, cooldown_until, others: most };
                record.learnt.insert((workspace.clone(), limit.clone()), learnt);
            }
            let key = MarkKey { workspace, limit, window_start: Timestamp::MAX };
            record.marks.insert(key, Mark { window_end: Timestamp::MAX, hi: most });
        }
        let bytes = encode(&record);
        assert!(bytes.len() <= crate::store::VALUE_MAX, "{} bytes", bytes.len());
        assert_eq!(decode(&bytes), Ok(record));
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_most_are_refused() {
        let (mut random, mut refused) = (Random(2), 0);
        for _ in 0..10_000 {
            let mut bytes = encode(&random.record());
            for _ in 0..=random.below(4) {
                let at = usize::try_from(random.below(bytes.len() as u64)).expect("small");
                bytes[at] ^= u8::try_from(1 + random.below(255)).expect("a byte");
            }
            bytes.truncate(usize::try_from(random.below(2 * bytes.len() as u64)).expect("small"));
            refused += u32::from(decode(&bytes).is_err());
        }
        assert!(refused > 5_000, "only {refused} of 10000 were refused");
    }

    #[test]
    fn bytes_that_are_no_record_say_why() {
        let first = ShardRecord::first(NodeId::new("n").expect("a name"), 1, 2);
        assert_eq!(decode(&[]), Err(RecordError::Empty));
        assert_eq!(decode(&[9, 1]), Err(RecordError::Version { found: 9 }));
        assert!(matches!(decode(&[VERSION, 0xff]), Err(RecordError::Malformed(_))));
        let wrong = |change: fn(&mut format::Shard)| {
            let mut message = format::Shard::decode(&encode(&first)[1..]).expect("a message");
            change(&mut message);
            decode(&[vec![VERSION], message.encode_to_vec()].concat()).expect_err("refused")
        };
        assert!(matches!(wrong(|shard| shard.owner.clear()), RecordError::Name(_)));
        assert_eq!(wrong(|shard| shard.nonce.truncate(3)), RecordError::Number(3));
    }

    #[test]
    fn a_mark_that_stands_twice_or_is_too_large_is_refused() {
        let read = |marks: &[(u64, u32)]| {
            let marks =
                marks.iter().map(|&(window_start, hi)| format::Mark { window_start, window_end: 9, hi });
            let limit = format::Limit {
                workspace: "w".into(),
                limit: "l".into(),
                marks: marks.collect(),
                learnt: None,
            };
            let mut record = ShardRecord::first(NodeId::new("n").expect("a name"), 1, 2);
            take(limit, &mut record)
        };
        assert_eq!(read(&[(1, 5), (2, 5)]), Ok(()));
        assert_eq!(read(&[(1, 5), (1, 6)]), Err(RecordError::Twice("a mark of w l".into())));
        assert_eq!(read(&[(1, (1 << 28) + 1)]), Err(RecordError::Permits((1 << 28) + 1)));
        let many: Vec<_> = (0..=MARKS_MAX as u64).map(|start| (start, 1)).collect();
        assert_eq!(read(&many), Err(RecordError::TooMany(MARKS_MAX)));
    }
}
