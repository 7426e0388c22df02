//! Scripts against one shard and one record: which effects come out, in which order.

mod account;
mod ahead;
mod late;
mod record;

use super::*;
use crate::facts::Learned;
use crate::ids::{LimitId, NodeId, WorkspaceId};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::{Grid, Window};

const LENGTH: Span = Span::from_secs(10);
/// The series of these scripts.
const SERIES: Series = Series { life: 1, number: 1 };

fn permits(n: u32) -> Permits {
    Permits::new(n).expect("a small number")
}

fn node(name: &str) -> NodeId {
    NodeId::new(name).expect("a name")
}

fn at(s: u64) -> Timestamp {
    Timestamp::ZERO + Span::from_secs(s)
}

fn window(s: u64) -> Window {
    Grid::new(LENGTH, Span::ZERO).at(at(s))
}

fn want(s: u64, n: u32) -> WantedBlock {
    WantedBlock {
        workspace: WorkspaceId::new("w").expect("a name"),
        limit: LimitId::new("l").expect("a name"),
        window: window(s),
        permits: permits(n),
        budget: permits(100),
        ahead: Span::ZERO,
        policy_version: Version(1),
        series: SERIES,
    }
}

/// A statement about windows of 10 s, before which nothing was granted.
fn statement(life: u64) -> Statement {
    let shape = vec![(want(0, 0).limit, Grid::new(LENGTH, Span::ZERO))];
    let (number, is_urgent) = (1, false);
    Statement { at: at(0), life, number, is_urgent, shape, former: Vec::new() }
}

/// A record that knows where the windows of the limit lie.
fn stated() -> ShardRecord {
    let mut record = ShardRecord::first(node("a"), 1, 1);
    record.state(&want(0, 0).workspace, &statement(1));
    record
}

fn key(start: Timestamp) -> MarkKey {
    let WantedBlock { workspace, limit, .. } = want(0, 0);
    MarkKey { workspace, limit, window_start: start }
}

fn effects(shard: &mut Shard) -> Vec<ShardEffect> {
    std::iter::from_fn(|| shard.poll()).collect()
}

/// The one compare-and-swap among the effects.
fn cas(shard: &mut Shard) -> (Token, Option<Version>, ShardRecord) {
    let mut found = effects(shard).into_iter().filter_map(|effect| match effect {
        ShardEffect::Cas { token, expected, new, .. } => Some((token, expected, *new)),
        _ => None,
    });
    let only = found.next().expect("a compare-and-swap");
    assert!(found.next().is_none(), "at most one is in flight");
    only
}

fn read(shard: &mut Shard) -> Token {
    let found = effects(shard).into_iter().find_map(|effect| match effect {
        ShardEffect::Read { token } => Some(token),
        _ => None,
    });
    found.expect("a read")
}

fn confirmed(shard: &mut Shard) -> Vec<(u32, u32)> {
    let blocks = effects(shard).into_iter().filter_map(|effect| match effect {
        ShardEffect::Reply { reply: ShardReply::Booked { from, to, .. }, .. } => Some((from.get(), to.get())),
        _ => None,
    });
    blocks.collect()
}

fn refused(shard: &mut Shard) -> Vec<BookRefusal> {
    let whys = effects(shard).into_iter().filter_map(|effect| match effect {
        ShardEffect::Reply { reply: ShardReply::Refused { why, .. }, .. } => Some(why),
        _ => None,
    });
    whys.collect()
}

/// A shard that node `a` serves since second 1001, at version 1.
fn serving() -> Shard {
    let mut shard = Shard::new(node("a"), 7 << 64, Horizon::DEFAULT);
    shard.take_over(at(1001));
    let token = read(&mut shard);
    shard.read_done(at(1001), token, ReadOutcome::Absent { incarnation: 1 });
    let (token, expected, _) = cas(&mut shard);
    assert_eq!(expected, None);
    shard.cas_done(at(1001), token, CasOutcome::Ok(Version(1)));
    assert_eq!(effects(&mut shard), [ShardEffect::Owned { epoch: 1 }]);
    shard.state(at(1001), want(0, 0).workspace, statement(1));
    shard
}

#[test]
fn a_block_may_be_granted_only_once_its_write_is_known_to_be_durable() {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (token, expected, new) = cas(&mut shard);
    assert_eq!((expected, new.hi(&key(at(1000)))), (Some(Version(1)), permits(30)));
    assert!(confirmed(&mut shard).is_empty());
    shard.cas_done(at(1002), token, CasOutcome::Ok(Version(2)));
    assert_eq!(confirmed(&mut shard), [(0, 30)]);
}

#[test]
fn one_write_is_in_flight_and_the_next_carries_everything_that_waits() {
    let mut shard = serving();
    shard.want(at(1009), want(1009, 30));
    let (token, ..) = cas(&mut shard);
    shard.want(at(1009), want(1009, 200));
    shard.want(at(1009), want(1010, 5));
    assert!(effects(&mut shard).is_empty());
    shard.cas_done(at(1009), token, CasOutcome::Ok(Version(2)));
    let (token, expected, _) = cas(&mut shard);
    assert_eq!(expected, Some(Version(2)));
    shard.cas_done(at(1009), token, CasOutcome::Ok(Version(3)));
    assert_eq!(confirmed(&mut shard), [(30, 100), (0, 5)]);
    shard.want(at(1009), want(1009, 1));
    assert_eq!(refused(&mut shard), [BookRefusal::Spent]);
}

#[test]
fn an_unknown_outcome_grants_nothing_until_the_record_shows_our_nonce() {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (token, _, new) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Unknown);
    let out = effects(&mut shard);
    let [ShardEffect::StoreLost, ShardEffect::Read { token }] = out[..] else { panic!("{out:?}") };
    let found = ReadOutcome::Found { record: new, version: Version(2), incarnation: 1 };
    shard.read_done(at(1003), token, found);
    assert_eq!(confirmed(&mut shard), [(0, 30)]);
    assert!(!shard.is_store_lost());
}

#[test]
fn an_unknown_write_that_is_not_there_is_sent_again_with_the_same_version() {
    let mut shard = serving();
    let before = shard.record().expect("a record").clone();
    shard.want(at(1002), want(1002, 30));
    let (token, first_expected, first) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Unknown);
    let token = read(&mut shard);
    shard.read_done(at(1003), token, ReadOutcome::Failed);
    assert_eq!(shard.next_deadline(), Some(at(1003) + Span::from_ms(50)));
    shard.advance(at(1004));
    let token = read(&mut shard);
    let found = ReadOutcome::Found { record: before, version: Version(1), incarnation: 1 };
    shard.read_done(at(1004), token, found);
    let (token, expected, again) = cas(&mut shard);
    assert_eq!((expected, &again), (first_expected, &first));
    // The first one committed late: the conflict shows our own write.
    shard.cas_done(at(1004), token, CasOutcome::Conflict(Some((first, Version(2)))));
    assert_eq!(confirmed(&mut shard), [(0, 30)]);
}

#[test]
fn a_conflict_drops_every_block() {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (token, _, new) = cas(&mut shard);
    let theirs = new.take_over(node("b"), 1, 1, at(0));
    shard.cas_done(at(1002), token, CasOutcome::Conflict(Some((theirs, Version(2)))));
    assert_eq!(effects(&mut shard), [ShardEffect::Lost { why: LostWhy::Conflict }]);
    assert!(!shard.is_serving());
}

#[test]
fn a_policy_that_changed_meanwhile_refuses_the_block_and_keeps_the_shard() {
    let mut shard = serving();
    let before = shard.record().expect("a record").clone();
    shard.want(at(1002), want(1002, 30));
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Conflict(Some((before, Version(1)))));
    assert_eq!(refused(&mut shard), [BookRefusal::PolicyChanged]);
    assert!(shard.is_serving());
}

#[test]
fn a_take_over_raises_the_epoch_and_leaves_the_marks() {
    let mut record = stated();
    record.raise(&key(at(1000)), &window(1000), permits(40), permits(100), SERIES).expect("room");
    let mut shard = Shard::new(node("b"), 9 << 64, Horizon::DEFAULT);
    shard.take_over(at(1004));
    let token = read(&mut shard);
    shard.read_done(at(1004), token, ReadOutcome::Found { record, version: Version(5), incarnation: 1 });
    let (token, expected, new) = cas(&mut shard);
    assert_eq!((expected, new.epoch, new.hi(&key(at(1000)))), (Some(Version(5)), 2, permits(40)));
    shard.cas_done(at(1004), token, CasOutcome::Ok(Version(6)));
    shard.want(at(1004), want(1004, 10));
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1004), token, CasOutcome::Ok(Version(7)));
    assert_eq!(confirmed(&mut shard), [(40, 50)]);
}

#[test]
fn a_hand_over_lowers_the_mark_to_what_was_granted_also_of_a_write_in_flight() {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Ok(Version(2)));
    shard.want(at(1003), want(1003, 10));
    let (token, ..) = cas(&mut shard);
    shard.hand_over(at(1003), node("b"), &[(key(at(1000)), permits(12))]);
    shard.cas_done(at(1003), token, CasOutcome::Ok(Version(3)));
    let (token, expected, new) = cas(&mut shard);
    assert_eq!((expected, new.hi(&key(at(1000))), new.owner), (Some(Version(3)), permits(12), node("b")));
    shard.cas_done(at(1003), token, CasOutcome::Ok(Version(4)));
    assert_eq!(effects(&mut shard), [ShardEffect::Lost { why: LostWhy::HandedOver }]);
}

#[test]
fn a_hand_over_gives_nothing_back_of_a_window_that_is_not_named() {
    let mut shard = serving();
    for (s, n) in [(1002, 30), (1010, 20)] {
        shard.want(at(1009), want(s, n));
        let (token, ..) = cas(&mut shard);
        shard.cas_done(at(1009), token, CasOutcome::Ok(Version(n.into())));
        effects(&mut shard);
    }
    shard.hand_over(at(1009), node("b"), &[(key(at(1010)), permits(5))]);
    let (_, _, new) = cas(&mut shard);
    assert_eq!((new.hi(&key(at(1000))), new.hi(&key(at(1010)))), (permits(30), permits(5)));
}

#[test]
fn a_restored_store_counts_every_window_that_may_have_been_booked_as_spent() {
    let record = ShardRecord::first(node("a"), 1, 1);
    let next = record.take_over(node("b"), 2, 9, at(1011));
    let closed = |record: &ShardRecord, s| record.is_closed(&key(at(s)), &window(s));
    assert!(closed(&next, 1000) && closed(&next, 1010) && !closed(&next, 1020));
    assert_eq!(next.incarnation, 9);
}

#[test]
fn after_a_restore_a_limit_of_learned_phase_waits_for_a_window_that_no_forgotten_one_overlaps() {
    let mut record = ShardRecord::first(node("a"), 1, 1).take_over(node("b"), 2, 9, at(1011));
    let WantedBlock { workspace, limit, .. } = want(0, 0);
    record.learn((workspace, limit), Learned::default());
    assert!(record.is_closed(&key(at(1020)), &window(1020)));
    assert!(!record.is_closed(&key(at(1030)), &window(1030)));
}

#[test]
fn a_throttle_spends_the_window_and_survives_a_hand_over() {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Ok(Version(2)));
    shard.exhausted(at(1003), key(at(1000)), &window(1003), permits(100));
    let (token, _, new) = cas(&mut shard);
    assert_eq!(new.hi(&key(at(1000))), permits(100));
    shard.cas_done(at(1003), token, CasOutcome::Ok(Version(3)));
    shard.hand_over(at(1003), node("b"), &[]);
    assert_eq!(cas(&mut shard).2.hi(&key(at(1000))), permits(100));
}

#[test]
fn a_window_further_ahead_than_the_runway_is_refused() {
    let mut shard = serving();
    shard.want(at(1002), want(1010, 5));
    assert_eq!(refused(&mut shard), [BookRefusal::TooEarly]);
}

#[test]
fn a_write_at_which_the_store_failed_counts_only_once_it_is_written_again() {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (token, _, new) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Failed);
    let token = read(&mut shard);
    let found = ReadOutcome::Found { record: new.clone(), version: Version(2), incarnation: 1 };
    shard.read_done(at(1003), token, found);
    let (token, expected, again) = cas(&mut shard);
    assert_eq!((expected, again.hi(&key(at(1000)))), (Some(Version(2)), permits(30)));
    assert_ne!(again.nonce, new.nonce);
    shard.cas_done(at(1003), token, CasOutcome::Ok(Version(3)));
    assert_eq!(confirmed(&mut shard), [(0, 30)]);
}

#[test]
fn a_learned_budget_is_written_and_bounds_every_later_block() {
    let mut shard = serving();
    let limit = want(0, 0);
    let learned = Learned { permits: Some(permits(20)), ..Learned::default() };
    shard.learn(at(1002), limit.workspace, limit.limit, learned);
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Ok(Version(2)));
    shard.want(at(1002), want(1002, 30));
    assert_eq!(cas(&mut shard).2.hi(&key(at(1000))), permits(20));
}
