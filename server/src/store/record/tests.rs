//! Records come back as they were written, and whatever else is read is refused or upgraded.

use super::super::format;
use super::read::limit as read_limit;
use super::upgrade::{VERSION, WITHOUT_ACCOUNTS};
use super::{RecordError, decode, encode};
use apportion_core::facts::{Basis, Learned, PhaseInterval};
use apportion_core::ids::{LimitId, NodeId, WorkspaceId};
use apportion_core::ledger::{
    ACCOUNTS_MAX, Account, AccountEntry, LEARNED_MAX, MARKS_MAX, Mark, MarkKey, ShardRecord, Spent,
};
use apportion_core::permits::Permits;
use apportion_core::policy::LIMITS_MAX;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;
use prost::Message;

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

    fn learned(&mut self) -> Learned {
        Learned {
            permits: (self.below(2) == 0).then(|| self.permits()),
            phase: (self.below(2) == 0).then(|| PhaseInterval {
                least: Span::from_ns(self.below(1 << 40)),
                width: Span::from_ns(self.below(1 << 30)),
            }),
            cooldown_until: (self.below(2) == 0).then(|| self.instant()),
            external_use: self.permits(),
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
            life: self.below(9),
            booked: self.permits(),
            is_exhausted: self.below(2) == 0,
        }
    }

    fn entries(&mut self) -> Vec<AccountEntry> {
        let entry = |random: &mut Self| AccountEntry {
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
            let (limit, learned) = (self.limit(), self.learned());
            record.learned.insert(limit, learned);
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
    let phase = Some(PhaseInterval { least: Span::MAX, width: Span::MAX });
    for number in 0..MARKS_MAX {
        let workspace = WorkspaceId::new(&name(number)).expect("a name");
        let limit = LimitId::new(&name(number)).expect("a name");
        if number < LEARNED_MAX {
            let (permits, cooldown_until) = (Some(most), Some(Timestamp::MAX));
            let (window, created_at) = (Span::MAX, Timestamp::MAX);
            let basis = Some(Basis { permits: most, window, phase: window, created_at });
            let learned = Learned { permits, phase, cooldown_until, external_use: most, basis };
            record.learned.insert((workspace.clone(), limit.clone()), learned);
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
    let (most, life, window_end) = (Permits::MAX, u64::MAX, Timestamp::MAX);
    Mark { window_end, hi: most, known: most, life, booked: most, is_exhausted: true }
}

/// An account of a shard that has as many as it may have.
fn largest_account(limit: &LimitId) -> Account {
    let grid = Grid::within(Span::MAX, Span::MAX, Span::MAX);
    let shape = vec![(limit.clone(), grid); LIMITS_MAX];
    let spent = Spent { from: Timestamp::MAX, until: Timestamp::MAX, permits: Permits::MAX };
    let entries = vec![AccountEntry { spent, life: u64::MAX }; 5];
    Account { shape, former: entries.clone(), past: entries.clone(), exhausted: entries }
}

#[test]
fn a_record_without_accounts_keeps_what_was_booked() {
    let mark = |start: u64, end: u64, hi| format::MarkMessage {
        window_start: start * 1_000_000_000,
        window_end: end * 1_000_000_000,
        hi,
        ..format::MarkMessage::default()
    };
    let limit = |name: &str, marks| format::LimitMessage {
        workspace: "w".into(),
        limit: name.into(),
        marks,
        learned: Some(format::LearnedMessage { permits: Some(500), ..format::LearnedMessage::default() }),
    };
    let first = ShardRecord::first(NodeId::new("n").expect("a name"), 1, 2);
    let mut message = format::ShardMessage::decode(&encode(&first)[1..]).expect("a message");
    message.limits =
        vec![limit("long", vec![mark(0, 60, 90)]), limit("short", vec![mark(0, 10, 50), mark(10, 20, 40)])];
    let bytes = [vec![WITHOUT_ACCOUNTS], message.encode_to_vec()].concat();
    let record = decode(&bytes).expect("a record");
    let account = &record.accounts[&WorkspaceId::new("w").expect("a name")];
    let spent = account.former.iter().map(|entry| entry.spent.permits.get()).collect::<Vec<_>>();
    assert_eq!((spent, record.marks.len()), (vec![50, 40], 0));
    assert!(record.learned.values().all(|learned| learned.basis == Some(Basis::default())));
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
    let wrong = |change: fn(&mut format::ShardMessage)| {
        let mut message = format::ShardMessage::decode(&encode(&first)[1..]).expect("a message");
        change(&mut message);
        decode(&[vec![VERSION], message.encode_to_vec()].concat()).expect_err("refused")
    };
    assert!(matches!(wrong(|shard| shard.owner.clear()), RecordError::Name(_)));
    assert_eq!(wrong(|shard| shard.nonce.truncate(3)), RecordError::Number(3));
}

#[test]
fn a_mark_that_stands_twice_or_is_too_large_is_refused() {
    let read = |marks: &[(u64, u32)]| {
        let marks = marks.iter().map(|&(window_start, hi)| format::MarkMessage {
            window_start,
            window_end: 9,
            hi,
            ..format::MarkMessage::default()
        });
        let limit = format::LimitMessage {
            workspace: "w".into(),
            limit: "l".into(),
            marks: marks.collect(),
            learned: None,
        };
        let mut record = ShardRecord::first(NodeId::new("n").expect("a name"), 1, 2);
        read_limit(limit, &mut record)
    };
    assert_eq!(read(&[(1, 5), (2, 5)]), Ok(()));
    assert_eq!(read(&[(1, 5), (1, 6)]), Err(RecordError::Twice("a mark of w l".into())));
    assert_eq!(read(&[(1, (1 << 28) + 1)]), Err(RecordError::Permits((1 << 28) + 1)));
    let many: Vec<_> = (0..=MARKS_MAX as u64).map(|start| (start, 1)).collect();
    assert_eq!(read(&many), Err(RecordError::TooMany(MARKS_MAX)));
}
