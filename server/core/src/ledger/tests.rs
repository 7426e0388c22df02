//! Scripts against a host and marks: which effects come out, in which order.

mod account;
mod ahead;
mod hosts;
mod late;
mod marks;

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

/// Marks that know where the windows of the limit lie.
fn stated() -> Marks {
    let mut marks = Marks::first(workspace());
    marks.state(&statement(1));
    marks
}

fn key(start: Timestamp) -> MarkKey {
    let WantedBlock { workspace, limit, .. } = want(0, 0);
    MarkKey { workspace, limit, window_start: start }
}

fn workspace() -> WorkspaceId {
    want(0, 0).workspace
}

/// A host with one shard, and what a script says to it.
struct Scripted(Host);

impl Scripted {
    fn effects(&mut self) -> Vec<HostEffect> {
        std::iter::from_fn(|| self.0.poll()).collect()
    }

    /// The one write among the effects.
    fn swap(&mut self) -> (Token, Swap) {
        let mut found = self.effects().into_iter().filter_map(|effect| match effect {
            HostEffect::Swap { token, swap } => Some((token, swap)),
            _ => None,
        });
        let only = found.next().expect("a write");
        assert!(found.next().is_none(), "one is in flight");
        only
    }

    /// The one write of marks among the effects, with the version that it expects.
    fn cas(&mut self) -> (Token, Option<Version>, Marks) {
        let (token, swap) = self.swap();
        let (expected, marks) = marks_in(&swap);
        (token, expected, marks)
    }

    fn read(&mut self) -> Token {
        let found = self.effects().into_iter().find_map(|effect| match effect {
            HostEffect::Read { token } => Some(token),
            _ => None,
        });
        found.expect("a read")
    }

    fn confirmed(&mut self) -> Vec<(u32, u32)> {
        let blocks = self.effects().into_iter().filter_map(|effect| match effect {
            HostEffect::Reply { reply: ShardReply::Booked { from, to, .. }, .. } => {
                Some((from.get(), to.get()))
            }
            _ => None,
        });
        blocks.collect()
    }

    fn refused(&mut self) -> Vec<BookRefusal> {
        let whys = self.effects().into_iter().filter_map(|effect| match effect {
            HostEffect::Reply { reply: ShardReply::Refused { why, .. }, .. } => Some(why),
            _ => None,
        });
        whys.collect()
    }

    fn want(&mut self, now: Timestamp, want: WantedBlock) {
        self.0.apply(now, 0, ShardInput::Want(want));
    }

    fn done(&mut self, now: Timestamp, token: &Token, version: u64) {
        self.0.swap_done(now, token, SwapOutcome::Done(Version(version)));
    }

    /// Answers a read with these marks, while the claim is still ours.
    fn show(&mut self, now: Timestamp, token: &Token, marks: Option<(Marks, Version)>) {
        let claim = self.0.claim(0).cloned().zip(Some(Version(1)));
        let found = Found { incarnation: 1, claim, marks };
        self.0.read_done(now, token, ReadOutcome::Found(Box::new(found)));
    }

    /// Books `n` permits of the window of second `s`, at once.
    fn book(&mut self, now: Timestamp, s: u64, n: u32, version: u64) {
        self.want(now, want(s, n));
        let (token, ..) = self.cas();
        self.done(now, &token, version);
    }
}

/// The marks in a write, and the version that it expects of them.
fn marks_in(swap: &Swap) -> (Option<Version>, Marks) {
    let expected = swap.compare.iter().find_map(|compare| match compare {
        Compare::Marks(_, _, version) => Some(*version),
        _ => None,
    });
    let marks = swap.puts.iter().find_map(|put| match put {
        Put::Marks(_, marks) => Some(Marks::clone(marks)),
        Put::Claim(..) => None,
    });
    (expected.expect("marks are compared"), marks.expect("marks are written"))
}

/// The claim in a write.
fn claim_in(swap: &Swap) -> Claim {
    let claim = swap.puts.iter().find_map(|put| match put {
        Put::Claim(_, claim) => Some(claim.clone()),
        Put::Marks(..) => None,
    });
    claim.expect("a claim is written")
}

/// A host that takes its shard over at second 1001, and what it finds there.
fn taking(name: &str, incarnation: u128, claim: Option<(Claim, Version)>) -> (Scripted, Token, Swap) {
    let mut host = Scripted(Host::new(node(name), 1, 7 << 64, Horizon::DEFAULT));
    host.0.take_over(0);
    let token = host.read();
    let found = Found { incarnation, claim, marks: None };
    host.0.read_done(at(1001), &token, ReadOutcome::Found(Box::new(found)));
    let (token, swap) = host.swap();
    (host, token, swap)
}

/// Tells a host that its claim is durable, at this version, and shows it all marks of the shard.
fn owns(host: &mut Scripted, token: &Token, version: u64, marks: Vec<(Marks, Version)>) -> Vec<HostEffect> {
    host.done(at(1001), token, version);
    let effects = host.effects();
    let [HostEffect::Scan { token, after: None }] = &effects[..] else { panic!("{effects:?}") };
    host.0.scan_done(at(1001), token, ScanOutcome::Page { marks, next: None });
    host.effects()
}

/// A host that node `a` serves the shard on since second 1001, at version 1, and that knows that nothing was booked.
fn serving() -> Scripted {
    let (mut host, token, swap) = taking("a", 1, None);
    assert_eq!(swap.compare, [Compare::Incarnation(1), Compare::Claim(0, None)]);
    let effects = owns(&mut host, &token, 1, Vec::new());
    let [HostEffect::OpenAll { life, learned, .. }, HostEffect::Owned { shard: 0, epoch: 1 }] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert!(*life == 1 << 24 && learned.is_empty());
    host.0.open(at(1001), 0, &workspace());
    let token = host.read();
    host.show(at(1001), &token, None);
    assert!(matches!(&host.effects()[..], [HostEffect::Open { shard: 0, .. }]));
    host.0.apply(at(1001), 0, ShardInput::State { workspace: workspace(), statement: statement(1) });
    assert!(host.effects().is_empty(), "it waits for the first booking");
    host
}

#[test]
fn a_block_may_be_granted_only_once_its_write_is_known_to_be_durable() {
    let mut host = serving();
    host.want(at(1002), want(1002, 30));
    let (token, swap) = host.swap();
    let (expected, new) = marks_in(&swap);
    assert_eq!((expected, new.hi(&key(at(1000)))), (None, permits(30)));
    let policy = Compare::Policy(workspace(), Version(1));
    let (claim, marks) = (Compare::Claim(0, Some(Version(1))), Compare::Marks(0, workspace(), None));
    assert_eq!(swap.compare, [Compare::Incarnation(1), claim, marks, policy]);
    assert_eq!(swap.puts.len(), 1);
    assert!(host.confirmed().is_empty());
    host.done(at(1002), &token, 2);
    assert_eq!(host.confirmed(), [(0, 30)]);
}

#[test]
fn one_write_of_a_workspace_is_in_flight_and_the_next_carries_everything_that_waits() {
    let mut host = serving();
    host.want(at(1009), want(1009, 30));
    let (token, ..) = host.cas();
    host.want(at(1009), want(1009, 200));
    host.want(at(1009), want(1010, 5));
    assert!(host.effects().is_empty());
    host.done(at(1009), &token, 2);
    let (token, expected, _) = host.cas();
    assert_eq!(expected, Some(Version(2)));
    host.done(at(1009), &token, 3);
    assert_eq!(host.confirmed(), [(30, 100), (0, 5)]);
    host.want(at(1009), want(1009, 1));
    assert_eq!(host.refused(), [BookRefusal::Spent]);
}

#[test]
fn an_unknown_outcome_grants_nothing_until_the_marks_show_our_nonce() {
    let mut host = serving();
    host.want(at(1002), want(1002, 30));
    let (token, _, new) = host.cas();
    host.0.swap_done(at(1002), &token, SwapOutcome::Unknown);
    let out = host.effects();
    let [HostEffect::Reply { reply: ShardReply::StoreLost(true), .. }, HostEffect::Read { token }] = &out[..]
    else {
        panic!("{out:?}")
    };
    host.show(at(1003), token, Some((new, Version(2))));
    assert_eq!(host.confirmed(), [(0, 30)]);
}

#[test]
fn an_unknown_write_that_is_not_there_is_sent_again_with_the_same_version() {
    let mut host = serving();
    host.want(at(1002), want(1002, 30));
    let (token, first_expected, first) = host.cas();
    host.0.swap_done(at(1002), &token, SwapOutcome::Unknown);
    let token = host.read();
    host.0.read_done(at(1003), &token, ReadOutcome::Failed);
    assert_eq!(host.0.next_deadline(), Some(at(1003) + Span::from_ms(50)));
    host.0.advance(at(1004));
    let token = host.read();
    host.show(at(1004), &token, None);
    let (token, expected, again) = host.cas();
    assert_eq!((expected, &again), (first_expected, &first));
    // The first one committed late: what is read shows our own write.
    host.0.swap_done(at(1004), &token, SwapOutcome::Conflict);
    let token = host.read();
    host.show(at(1004), &token, Some((first, Version(2))));
    assert_eq!(host.confirmed(), [(0, 30)]);
}

/// A write that the store refused, and the read that is to tell why.
fn refused_write() -> (Scripted, Token) {
    let mut host = serving();
    host.want(at(1002), want(1002, 30));
    let (token, ..) = host.cas();
    host.0.swap_done(at(1002), &token, SwapOutcome::Conflict);
    let token = host.read();
    (host, token)
}

#[test]
fn a_lost_claim_drops_every_block() {
    let (mut host, token) = refused_write();
    let theirs = Claim::first(node("a"), 1, 1).take_over(node("b"), 2, 1, at(0));
    let found = Found { incarnation: 1, claim: Some((theirs, Version(2))), marks: None };
    host.0.read_done(at(1002), &token, ReadOutcome::Found(Box::new(found)));
    let why = LostWhy::Conflict { owner: Some((node("b"), 2)) };
    assert_eq!(host.effects(), [HostEffect::Lost { shard: 0, why }]);
    assert!(!host.0.is_serving(0));
}

#[test]
fn a_policy_that_changed_meanwhile_refuses_the_block_and_keeps_the_shard() {
    let (mut host, token) = refused_write();
    host.show(at(1002), &token, None);
    assert_eq!(host.refused(), [BookRefusal::PolicyChanged]);
    assert!(host.0.is_serving(0));
}

#[test]
fn marks_that_are_others_than_was_thought_are_booked_on_as_they_are() {
    let (mut host, token) = refused_write();
    let mut marks = stated();
    marks.raise(&key(at(1000)), &window(1000), permits(40), permits(100), SERIES).expect("room");
    host.show(at(1002), &token, Some((marks, Version(5))));
    let (token, expected, _) = host.cas();
    assert_eq!(expected, Some(Version(5)));
    host.done(at(1002), &token, 6);
    assert_eq!(host.confirmed(), [(40, 70)]);
}

#[test]
fn a_store_of_another_history_takes_the_shard_away() {
    let (mut host, token) = refused_write();
    let claim = host.0.claim(0).cloned().zip(Some(Version(1)));
    let found = Found { incarnation: 9, claim, marks: None };
    host.0.read_done(at(1002), &token, ReadOutcome::Found(Box::new(found)));
    assert!(matches!(&host.effects()[..], [HostEffect::Lost { why: LostWhy::Conflict { .. }, .. }]));
}

#[test]
fn a_take_over_raises_the_epoch_and_leaves_the_marks() {
    let mut marks = stated();
    marks.raise(&key(at(1000)), &window(1000), permits(40), permits(100), SERIES).expect("room");
    let claim = Claim::first(node("a"), 1, 1);
    let (mut host, token, swap) = taking("b", 1, Some((claim, Version(5))));
    assert_eq!(swap.compare, [Compare::Incarnation(1), Compare::Claim(0, Some(Version(5)))]);
    assert_eq!((claim_in(&swap).epoch, claim_in(&swap).owner), (2, node("b")));
    owns(&mut host, &token, 6, vec![(marks, Version(3))]);
    // What is open was read with all the others.
    host.want(at(1004), want(1004, 10));
    let (token, expected, _) = host.cas();
    assert_eq!(expected, Some(Version(3)));
    host.done(at(1004), &token, 7);
    assert_eq!(host.confirmed(), [(40, 50)]);
}

#[test]
fn of_two_that_claim_at_once_one_is_told_whose_it_is() {
    let (mut host, token, _) = taking("b", 1, None);
    host.0.swap_done(at(1001), &token, SwapOutcome::Conflict);
    let token = host.read();
    let theirs = Claim::first(node("c"), 1, 1);
    let found = Found { incarnation: 1, claim: Some((theirs, Version(1))), marks: None };
    host.0.read_done(at(1001), &token, ReadOutcome::Found(Box::new(found)));
    let why = LostWhy::Conflict { owner: Some((node("c"), 1)) };
    assert_eq!(host.effects(), [HostEffect::Lost { shard: 0, why }]);
}

#[test]
fn a_hand_over_lowers_the_mark_to_what_was_granted_also_of_a_write_in_flight() {
    let mut host = serving();
    host.book(at(1002), 1002, 30, 2);
    host.want(at(1003), want(1003, 10));
    let (token, ..) = host.cas();
    host.0.hand_over(at(1003), 0, node("b"), [(key(at(1000)), permits(12))]);
    assert!(host.effects().is_empty(), "the write in flight comes first");
    host.done(at(1003), &token, 3);
    let (token, swap) = host.swap();
    let (expected, new) = marks_in(&swap);
    assert_eq!((expected, new.hi(&key(at(1000)))), (Some(Version(3)), permits(12)));
    assert_eq!((claim_in(&swap).owner, claim_in(&swap).epoch), (node("b"), 1));
    assert!(swap.compare.contains(&Compare::Claim(0, Some(Version(1)))));
    host.done(at(1003), &token, 4);
    let why = LostWhy::HandedOver { to: node("b"), epoch: 1 };
    assert_eq!(host.effects(), [HostEffect::Lost { shard: 0, why }]);
}

#[test]
fn a_hand_over_gives_nothing_back_of_a_window_that_is_not_named() {
    let mut host = serving();
    host.book(at(1009), 1002, 30, 2);
    host.book(at(1009), 1010, 20, 3);
    host.0.hand_over(at(1009), 0, node("b"), [(key(at(1010)), permits(5))]);
    let (_, _, new) = host.cas();
    assert_eq!((new.hi(&key(at(1000))), new.hi(&key(at(1010)))), (permits(30), permits(5)));
}

#[test]
fn a_restored_store_counts_every_window_that_may_have_been_booked_as_spent() {
    let claim = Claim::first(node("a"), 1, 1).take_over(node("b"), 2, 9, at(1011));
    assert_eq!(claim.incarnation, 9);
    let next = Marks::first(workspace()).under(&claim, at(1000), at(1011));
    let closed = |marks: &Marks, s| marks.is_closed(&key(at(s)), &window(s));
    assert!(closed(&next, 1000) && closed(&next, 1010) && !closed(&next, 1020));
}

#[test]
fn after_a_restore_a_limit_of_learned_phase_waits_for_a_window_that_no_forgotten_one_overlaps() {
    let claim = Claim::first(node("a"), 1, 1).take_over(node("b"), 2, 9, at(1011));
    let mut marks = Marks::first(workspace()).under(&claim, at(1000), at(1011));
    marks.learn(want(0, 0).limit, Learned::default());
    assert!(marks.is_closed(&key(at(1020)), &window(1020)));
    assert!(!marks.is_closed(&key(at(1030)), &window(1030)));
}

#[test]
fn a_throttle_spends_the_window_and_survives_a_hand_over() {
    let mut host = serving();
    host.book(at(1002), 1002, 30, 2);
    let (key, window, budget) = (key(at(1000)), window(1003), permits(100));
    host.0.apply(at(1003), 0, ShardInput::Exhausted { key: key.clone(), window, budget });
    let (token, _, new) = host.cas();
    assert_eq!(new.hi(&key), permits(100));
    host.done(at(1003), &token, 3);
    host.0.hand_over(at(1003), 0, node("b"), [(key, permits(1))]);
    assert!(host.swap().1.puts.iter().all(|put| matches!(put, Put::Claim(..))), "nothing goes back");
}

#[test]
fn a_window_further_ahead_than_the_runway_is_refused() {
    let mut host = serving();
    host.want(at(1002), want(1010, 5));
    assert_eq!(host.refused(), [BookRefusal::TooEarly]);
}

#[test]
fn a_write_at_which_the_store_failed_counts_only_once_it_is_written_again() {
    let mut host = serving();
    host.want(at(1002), want(1002, 30));
    let (token, _, new) = host.cas();
    host.0.swap_done(at(1002), &token, SwapOutcome::Failed);
    let token = host.read();
    host.show(at(1003), &token, Some((new.clone(), Version(2))));
    let (token, expected, again) = host.cas();
    assert_eq!((expected, again.hi(&key(at(1000)))), (Some(Version(2)), permits(30)));
    assert_ne!(again.nonce, new.nonce);
    host.done(at(1003), &token, 3);
    assert_eq!(host.confirmed(), [(0, 30)]);
}

#[test]
fn a_learned_budget_is_written_and_bounds_every_later_block() {
    let mut host = serving();
    let learned = Learned { permits: Some(permits(20)), ..Learned::default() };
    let (workspace, limit) = (workspace(), want(0, 0).limit);
    host.0.apply(at(1002), 0, ShardInput::Learn { workspace, limit, learned });
    let (token, ..) = host.cas();
    host.done(at(1002), &token, 2);
    host.want(at(1002), want(1002, 30));
    assert_eq!(host.cas().2.hi(&key(at(1000))), permits(20));
}
