//! Claims and marks come back as they were written, and whatever else is read is refused or upgraded.

use super::super::format;
use super::read::limit as read_limit;
use super::{
    RecordError, VERSION, claim_key, decode_claim, decode_marks, encode_claim, encode_marks, former,
    marks_key, marks_prefix, workspace_of,
};
use apportion_core::facts::{Basis, Learned, PhaseInterval};
use apportion_core::ids::{LimitId, NodeId, WorkspaceId};
use apportion_core::ledger::{
    Account, AccountEntry, Claim, ENTRIES_MAX, LEARNED_MAX, MARKS_MAX, Mark, MarkKey, Marks, Spent,
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

    fn limit(&mut self) -> LimitId {
        LimitId::new(&format!("l{}", self.below(3))).expect("a name")
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
        Account { shape: vec![(self.limit(), grid)], former, past, exhausted }
    }

    fn claim(&mut self) -> Claim {
        let owner = NodeId::new(&format!("node-{}", self.below(9))).expect("a name");
        let wide = |random: &mut Self| u128::from(random.below(u64::MAX)) << random.below(90);
        let mut claim = Claim::first(owner, wide(self), wide(self));
        claim.epoch = self.below(u64::MAX);
        (claim.known_from, claim.spent_before) = (self.instant(), self.instant());
        claim
    }

    fn marks(&mut self) -> Marks {
        let mut marks = Marks::first(workspace());
        marks.nonce = u128::from(self.below(u64::MAX)) << self.below(90);
        (marks.known_from, marks.spent_before) = (self.instant(), self.instant());
        for _ in 0..self.below(20) {
            let key = MarkKey { workspace: workspace(), limit: self.limit(), window_start: self.instant() };
            marks.marks.insert(key, self.mark());
        }
        marks.account = self.account();
        for _ in 0..self.below(6) {
            let (limit, learned) = (self.limit(), self.learned());
            marks.learned.insert(limit, learned);
        }
        marks
    }
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new("w").expect("a name")
}

fn key() -> String {
    marks_key(3, &workspace())
}

#[test]
fn a_claim_comes_back_as_it_was_written() {
    let mut random = Random(1);
    for _ in 0..1_000 {
        let claim = random.claim();
        assert_eq!(decode_claim(&encode_claim(&claim)), Ok(claim));
    }
}

#[test]
fn marks_come_back_as_they_were_written() {
    let mut random = Random(1);
    for _ in 0..10_000 {
        let marks = random.marks();
        assert_eq!(decode_marks(&key(), &encode_marks(&marks)), Ok(marks));
    }
}

#[test]
fn keys_are_of_their_shard_and_workspace_alone() {
    assert_eq!(claim_key(7), "shards/00007");
    assert_eq!(key(), "marks/00003/w");
    assert!(key().starts_with(&marks_prefix(3)) && !key().starts_with(&marks_prefix(30)));
    assert_eq!(workspace_of(&key()), Ok(workspace()));
    assert!(matches!(workspace_of("marks/00003/"), Err(RecordError::Name(_))));
}

#[test]
fn the_largest_marks_have_their_place_in_a_transaction_of_etcd() {
    let name = |number: usize| format!("{number:063}");
    let mut marks = Marks::first(WorkspaceId::new(&name(0)).expect("a name"));
    let most = Permits::MAX;
    marks.nonce = u128::MAX;
    let phase = Some(PhaseInterval { least: Span::MAX, width: Span::MAX });
    for number in 0..MARKS_MAX {
        let limit = LimitId::new(&name(number)).expect("a name");
        if number < LEARNED_MAX {
            let (permits, cooldown_until) = (Some(most), Some(Timestamp::MAX));
            let (window, created_at) = (Span::MAX, Timestamp::MAX);
            let basis = Some(Basis { permits: most, window, phase: window, created_at });
            let learned = Learned { permits, phase, cooldown_until, external_use: most, basis };
            marks.learned.insert(limit.clone(), learned);
        }
        let workspace = marks.workspace.clone();
        marks.marks.insert(MarkKey { workspace, limit, window_start: Timestamp::MAX }, largest_mark());
    }
    marks.account = largest_account(&LimitId::new(&name(0)).expect("a name"));
    let bytes = encode_marks(&marks);
    assert!(bytes.len() <= 256 << 10, "{} bytes", bytes.len());
    assert_eq!(decode_marks(&marks_key(0, &marks.workspace), &bytes), Ok(marks));
}

fn largest_mark() -> Mark {
    let (most, life, window_end) = (Permits::MAX, u64::MAX, Timestamp::MAX);
    Mark { window_end, hi: most, known: most, life, booked: most, is_exhausted: true }
}

/// An account with as many entries as it may have.
fn largest_account(limit: &LimitId) -> Account {
    let grid = Grid::within(Span::MAX, Span::MAX, Span::MAX);
    let shape = vec![(limit.clone(), grid); LIMITS_MAX];
    let spent = Spent { from: Timestamp::MAX, until: Timestamp::MAX, permits: Permits::MAX };
    let entries = vec![AccountEntry { spent, life: u64::MAX }; ENTRIES_MAX];
    Account { shape, former: entries.clone(), past: entries.clone(), exhausted: entries }
}

#[test]
fn a_former_record_without_accounts_keeps_what_was_booked() {
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
    let message = format::ShardMessage {
        owner: "n".into(),
        nonce: vec![0; 16],
        incarnation: vec![0; 16],
        limits: vec![
            limit("long", vec![mark(0, 60, 90)]),
            limit("short", vec![mark(0, 10, 50), mark(10, 20, 40)]),
        ],
        ..format::ShardMessage::default()
    };
    let (_, all) = former::split(&[vec![1], message.encode_to_vec()].concat()).expect("a record");
    let [marks] = &all[..] else { panic!("{all:?}") };
    let spent = marks.account.former.iter().map(|entry| entry.spent.permits.get()).collect::<Vec<_>>();
    assert_eq!((spent, marks.marks.len()), (vec![50, 40], 0));
    assert!(marks.learned.values().all(|learned| learned.basis == Some(Basis::default())));
    assert!(matches!(former::split(&[3, 1]), Err(RecordError::Version { found: 3, known: 2 })));
}

#[test]
fn no_bytes_make_the_reader_panic_and_most_are_refused() {
    let (mut random, mut refused) = (Random(2), 0);
    for _ in 0..10_000 {
        let mut bytes = encode_marks(&random.marks());
        for _ in 0..=random.below(4) {
            let at = usize::try_from(random.below(bytes.len() as u64)).expect("small");
            bytes[at] ^= u8::try_from(1 + random.below(255)).expect("a byte");
        }
        bytes.truncate(usize::try_from(random.below(2 * bytes.len() as u64)).expect("small"));
        refused += u32::from(decode_marks(&key(), &bytes).is_err());
    }
    assert!(refused > 5_000, "only {refused} of 10000 were refused");
}

#[test]
fn bytes_that_are_no_record_say_why() {
    let first = Claim::first(NodeId::new("n").expect("a name"), 1, 2);
    assert_eq!(decode_claim(&[]), Err(RecordError::Empty));
    assert_eq!(decode_marks(&key(), &[9, 1]), Err(RecordError::Version { found: 9, known: VERSION }));
    assert!(matches!(decode_claim(&[VERSION, 0xff]), Err(RecordError::Malformed(_))));
    let wrong = |change: fn(&mut format::ClaimMessage)| {
        let mut message = format::ClaimMessage::decode(&encode_claim(&first)[1..]).expect("a message");
        change(&mut message);
        decode_claim(&[vec![VERSION], message.encode_to_vec()].concat()).expect_err("refused")
    };
    assert!(matches!(wrong(|claim| claim.owner.clear()), RecordError::Name(_)));
    assert_eq!(wrong(|claim| claim.nonce.truncate(3)), RecordError::Number(3));
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
        let limit = format::MarkedLimitMessage { limit: "l".into(), marks: marks.collect(), learned: None };
        read_limit(limit, &mut Marks::first(workspace()))
    };
    assert_eq!(read(&[(1, 5), (2, 5)]), Ok(()));
    assert_eq!(read(&[(1, 5), (1, 6)]), Err(RecordError::Twice("a mark of w l".into())));
    assert_eq!(read(&[(1, (1 << 28) + 1)]), Err(RecordError::Permits((1 << 28) + 1)));
    let many: Vec<_> = (0..=MARKS_MAX as u64).map(|start| (start, 1)).collect();
    assert_eq!(read(&many), Err(RecordError::TooMany(MARKS_MAX)));
}
