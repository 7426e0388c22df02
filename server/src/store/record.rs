//! A shard's record as bytes: a version, then protobuf. What is read is checked as if anybody had written it.

use super::format;
use apportion_core::facts::{Basis, Learnt, PhaseInterval};
use apportion_core::ids::{LimitId, NameError, NodeId, WorkspaceId};
use apportion_core::ledger::{
    ACCOUNTS_MAX, Account, Entry, LEARNT_MAX, MARKS_MAX, Mark, MarkKey, Series, ShardRecord, Spent,
};
use apportion_core::permits::Permits;
use apportion_core::policy::LIMITS_MAX;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;
use prost::Message;
use std::collections::BTreeMap;
use thiserror::Error;

/// The version of the bytes that this program writes. An older one is read as well; a newer one is refused.
const VERSION: u8 = 2;
/// The version without accounts.
const WITHOUT_ACCOUNTS: u8 = 1;

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

/// What the keys of records start with.
pub(super) const PREFIX: &str = "shard/";

/// The key of a shard's record.
pub fn key(shard: u16) -> String {
    format!("{PREFIX}{shard:04}")
}

/// The record as bytes.
pub fn encode(record: &ShardRecord) -> Vec<u8> {
    let message = format::Shard {
        epoch: record.epoch,
        owner: record.owner.to_string(),
        nonce: record.nonce.to_be_bytes().into(),
        incarnation: record.incarnation.to_be_bytes().into(),
        spent_before: record.spent_before.as_ns(),
        limits: limits(record),
        known_from: record.known_from.as_ns(),
        accounts: record.accounts.iter().map(account_message).collect(),
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
            known: mark.known.get(),
            life: mark.series.life,
            series: mark.series.number,
            booked: mark.booked.get(),
            is_exhausted: mark.is_exhausted,
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
    let Learnt { permits, phase, cooldown_until, others, basis } = *learnt;
    format::Learnt {
        basis: basis.map(|Basis { permits, window, phase, created_at }| format::Basis {
            permits: permits.get(),
            window: window.as_ns(),
            phase: phase.as_ns(),
            created_at: created_at.as_ns(),
        }),
        permits: permits.map(Permits::get),
        phase: phase.map(|PhaseInterval { least, spread }| format::Phase {
            least: least.as_ns(),
            spread: spread.as_ns(),
        }),
        cooldown_until: cooldown_until.map(Timestamp::as_ns),
        others: others.get(),
    }
}

fn account_message((workspace, account): (&WorkspaceId, &Account)) -> format::Account {
    let Account { shape, former, past, exhausted } = account;
    let entries = |entries: &[Entry]| {
        let entry = |&Entry { spent: Spent { from, until, permits }, life }: &Entry| format::Entry {
            from: from.as_ns(),
            until: until.as_ns(),
            permits: permits.get(),
            life,
        };
        entries.iter().map(entry).collect()
    };
    let windows = |(limit, grid): &(LimitId, Grid)| format::Windows {
        limit: limit.to_string(),
        length: grid.length().as_ns(),
        phase: Some(format::Phase { least: grid.phase().as_ns(), spread: grid.spread().as_ns() }),
    };
    format::Account {
        workspace: workspace.to_string(),
        shape: shape.iter().map(windows).collect(),
        former: entries(former),
        past: entries(past),
        exhausted: entries(exhausted),
    }
}

/// The record that the bytes hold.
///
/// # Errors
/// [`RecordError`] where they hold none.
pub fn decode(bytes: &[u8]) -> Result<ShardRecord, RecordError> {
    let (&version, bytes) = bytes.split_first().ok_or(RecordError::Empty)?;
    if version != VERSION && version != WITHOUT_ACCOUNTS {
        return Err(RecordError::Version { found: version });
    }
    let message = format::Shard::decode(bytes)?;
    let mut record = ShardRecord::first(
        NodeId::new(&message.owner)?,
        number(&message.nonce)?,
        number(&message.incarnation)?,
    );
    record.epoch = message.epoch;
    record.known_from = Timestamp::from_ns(message.known_from);
    record.spent_before = Timestamp::from_ns(message.spent_before);
    for limit in message.limits {
        take(limit, &mut record)?;
    }
    for account in message.accounts {
        take_account(account, &mut record)?;
    }
    if version == WITHOUT_ACCOUNTS {
        upgrade(&mut record);
    }
    Ok(record)
}

/// Makes a record without accounts one of this version. Nobody wrote down where windows lay, so what the marks of the shortest ones
/// stand for goes into accounts; nor of what limits something was learnt, so that is learnt again.
fn upgrade(record: &mut ShardRecord) {
    let length = |key: &MarkKey, mark: &Mark| mark.window_end.since(key.window_start);
    let mut shortest: BTreeMap<WorkspaceId, (Span, LimitId)> = BTreeMap::new();
    for (key, mark) in &record.marks {
        let this = (length(key, mark), key.limit.clone());
        let known = shortest.entry(key.workspace.clone()).or_insert_with(|| this.clone());
        *known = this.min(known.clone());
    }
    for (key, mark) in std::mem::take(&mut record.marks) {
        if shortest.get(&key.workspace).is_some_and(|(_, limit)| *limit == key.limit) {
            let spent = Spent { from: key.window_start, until: mark.window_end, permits: mark.hi };
            record.accounts.entry(key.workspace).or_default().former.push(spent.into());
        }
    }
    for learnt in record.learnt.values_mut() {
        learnt.basis = Some(Basis::default());
    }
}

/// Takes one account into the record.
fn take_account(message: format::Account, record: &mut ShardRecord) -> Result<(), RecordError> {
    let workspace = WorkspaceId::new(&message.workspace)?;
    if record.accounts.len() > ACCOUNTS_MAX {
        return Err(RecordError::TooMany(ACCOUNTS_MAX));
    }
    if message.shape.len() > LIMITS_MAX {
        return Err(RecordError::TooMany(LIMITS_MAX));
    }
    let shape = message.shape.into_iter().map(|format::Windows { limit, length, phase }| {
        let format::Phase { least, spread } = phase.unwrap_or_default();
        let [length, least, spread] = [length, least, spread].map(Span::from_ns);
        Ok((LimitId::new(&limit)?, Grid::within(length, least, spread)))
    });
    let account = Account {
        shape: shape.collect::<Result<_, RecordError>>()?,
        former: entries(message.former)?,
        past: entries(message.past)?,
        exhausted: entries(message.exhausted)?,
    };
    match record.accounts.insert(workspace.clone(), account) {
        Some(_) => Err(RecordError::Twice(format!("the account of {workspace}"))),
        None => Ok(()),
    }
}

fn entries(messages: Vec<format::Entry>) -> Result<Vec<Entry>, RecordError> {
    let entry = |format::Entry { from, until, permits: count, life }| {
        let (from, until) = (Timestamp::from_ns(from), Timestamp::from_ns(until));
        Ok(Entry { spent: Spent { from, until, permits: permits(count)? }, life })
    };
    messages.into_iter().map(entry).collect()
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
        let mark = Mark {
            window_end: Timestamp::from_ns(mark.window_end),
            hi: permits(mark.hi)?,
            known: permits(mark.known)?,
            series: Series { life: mark.life, number: mark.series },
            booked: permits(mark.booked)?,
            is_exhausted: mark.is_exhausted,
        };
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
        basis: message.basis.map(basis).transpose()?,
    })
}

fn basis(message: format::Basis) -> Result<Basis, RecordError> {
    Ok(Basis {
        permits: permits(message.permits)?,
        window: Span::from_ns(message.window),
        phase: Span::from_ns(message.phase),
        created_at: Timestamp::from_ns(message.created_at),
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
                basis: (self.below(2) == 0).then(|| Basis {
                    permits: self.permits(),
                    window: Span::from_ns(self.below(1 << 40)),
                    phase: Span::from_ns(self.below(1 << 40)),
                    created_at: self.instant(),
                }),
            }
        }

        fn mark(&mut self) -> Mark {
            Mark {
                window_end: self.instant(),
                hi: self.permits(),
                known: self.permits(),
                series: Series { life: self.below(9), number: 1 },
                booked: self.permits(),
                is_exhausted: self.below(2) == 0,
            }
        }

        fn entries(&mut self) -> Vec<Entry> {
            let entry = |random: &mut Self| Entry {
                spent: Spent { from: random.instant(), until: random.instant(), permits: random.permits() },
                life: random.below(9),
            };
            (0..self.below(4)).map(|_| entry(self)).collect()
        }

        fn account(&mut self) -> Account {
            let (length, phase) = (1 + self.below(1 << 40), self.below(1 << 40));
            let grid = Grid::new(Span::from_ns(length), Span::from_ns(phase));
            let [former, past, exhausted] = [(); 3].map(|()| self.entries());
            Account { shape: vec![(self.limit().1, grid)], former, past, exhausted }
        }

        fn record(&mut self) -> ShardRecord {
            let owner = NodeId::new(&format!("node-{}", self.below(9))).expect("a name");
            let wide = |random: &mut Self| u128::from(random.below(u64::MAX)) << random.below(90);
            let mut record = ShardRecord::first(owner, wide(self), wide(self));
            record.epoch = self.below(u64::MAX);
            (record.known_from, record.spent_before) = (self.instant(), self.instant());
            for _ in 0..self.below(20) {
                let (workspace, limit) = self.limit();
                let key = MarkKey { workspace, limit, window_start: self.instant() };
                record.marks.insert(key, self.mark());
            }
            for _ in 0..self.below(4) {
                let (workspace, account) = (self.limit().0, self.account());
                record.accounts.insert(workspace, account);
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
                let (window, created_at) = (Span::MAX, Timestamp::MAX);
                let basis = Some(Basis { permits: most, window, phase: window, created_at });
                let learnt = Learnt { permits, phase, cooldown_until, others: most, basis };
                record.learnt.insert((workspace.clone(), limit.clone()), learnt);
            }
            if number < ACCOUNTS_MAX {
                record.accounts.insert(workspace.clone(), largest_account(&limit));
            }
            let key = MarkKey { workspace, limit, window_start: Timestamp::MAX };
            record.marks.insert(key, largest_mark());
        }
        let bytes = encode(&record);
        assert!(bytes.len() <= crate::store::VALUE_MAX, "{} bytes", bytes.len());
        assert_eq!(decode(&bytes), Ok(record));
    }

    fn largest_mark() -> Mark {
        let (most, series) = (Permits::MAX, Series { life: u64::MAX, number: u32::MAX });
        let window_end = Timestamp::MAX;
        Mark { window_end, hi: most, known: most, series, booked: most, is_exhausted: true }
    }

    /// An account of a shard that has as many as it may have.
    fn largest_account(limit: &LimitId) -> Account {
        let grid = Grid::within(Span::MAX, Span::MAX, Span::MAX);
        let shape = vec![(limit.clone(), grid); LIMITS_MAX];
        let spent = Spent { from: Timestamp::MAX, until: Timestamp::MAX, permits: Permits::MAX };
        let entries = vec![Entry { spent, life: u64::MAX }; 5];
        Account { shape, former: entries.clone(), past: entries.clone(), exhausted: entries }
    }

    #[test]
    fn a_record_without_accounts_keeps_what_was_booked() {
        let mark = |start: u64, end: u64, hi| format::Mark {
            window_start: start * 1_000_000_000,
            window_end: end * 1_000_000_000,
            hi,
            ..format::Mark::default()
        };
        let limit = |name: &str, marks| format::Limit {
            workspace: "w".into(),
            limit: name.into(),
            marks,
            learnt: Some(format::Learnt { permits: Some(500), ..format::Learnt::default() }),
        };
        let first = ShardRecord::first(NodeId::new("n").expect("a name"), 1, 2);
        let mut message = format::Shard::decode(&encode(&first)[1..]).expect("a message");
        message.limits = vec![
            limit("long", vec![mark(0, 60, 90)]),
            limit("short", vec![mark(0, 10, 50), mark(10, 20, 40)]),
        ];
        let bytes = [vec![WITHOUT_ACCOUNTS], message.encode_to_vec()].concat();
        let record = decode(&bytes).expect("a record");
        let account = &record.accounts[&WorkspaceId::new("w").expect("a name")];
        let spent = account.former.iter().map(|entry| entry.spent.permits.get()).collect::<Vec<_>>();
        assert_eq!((spent, record.marks.len()), (vec![50, 40], 0));
        assert!(record.learnt.values().all(|learnt| learnt.basis == Some(Basis::default())));
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
            let marks = marks.iter().map(|&(window_start, hi)| format::Mark {
                window_start,
                window_end: 9,
                hi,
                ..format::Mark::default()
            });
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
