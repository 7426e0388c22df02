//! Scripts against a host with several workspaces: none waits for another, and those that are idle cost nothing.

use super::*;

fn named(n: usize) -> WorkspaceId {
    WorkspaceId::new(&format!("w{n:03}")).expect("a name")
}

fn want_of(n: usize, permits_wanted: u32) -> WantedBlock {
    WantedBlock { workspace: named(n), ..want(1002, permits_wanted) }
}

fn key_of(n: usize) -> MarkKey {
    MarkKey { workspace: named(n), ..key(at(1000)) }
}

/// A host that knows where the windows of so many workspaces lie.
fn serving_many(count: usize) -> Scripted {
    let (mut host, token, _) = taking("a", 1, None);
    owns(&mut host, &token, 1, Vec::new());
    for n in 0..count {
        let statement = Statement { is_urgent: true, ..statement(1) };
        host.0.apply(at(1001), 0, ShardInput::State { workspace: named(n), statement });
        let token = host.read();
        host.show(at(1001), &token, None);
        let (token, _) = host.swap();
        host.done(at(1001), &token, 2);
        host.effects();
    }
    host
}

fn booked(host: &mut Scripted, n: usize, version: u64) {
    host.want(at(1002), want_of(n, 10));
    let (token, ..) = host.cas();
    host.done(at(1002), &token, version);
    assert_eq!(host.confirmed(), [(0, 10)]);
}

#[test]
fn the_writes_of_two_workspaces_are_in_flight_side_by_side() {
    let mut host = serving_many(2);
    host.want(at(1002), want_of(0, 10));
    host.want(at(1002), want_of(1, 20));
    let writes: Vec<_> = host.effects().into_iter().collect();
    let [HostEffect::Swap { token: first, .. }, HostEffect::Swap { token: second, swap }] = &writes[..]
    else {
        panic!("{writes:?}")
    };
    assert_eq!(marks_in(swap).1.workspace, named(1));
    host.done(at(1002), second, 3);
    assert_eq!(host.confirmed(), [(0, 20)]);
    host.done(at(1002), first, 4);
    assert_eq!(host.confirmed(), [(0, 10)]);
}

#[test]
fn a_stale_policy_of_one_workspace_refuses_no_other() {
    let mut host = serving_many(2);
    host.want(at(1002), want_of(0, 10));
    let (stale, ..) = host.cas();
    host.0.swap_done(at(1002), &stale, SwapOutcome::Conflict);
    let read = host.read();
    booked(&mut host, 1, 3);
    let marks = host.0.marks(0, &named(0)).cloned().zip(Some(Version(2)));
    host.show(at(1002), &read, marks);
    assert_eq!(host.refused(), [BookRefusal::PolicyChanged]);
}

#[test]
fn a_write_carries_one_workspace_however_many_the_shard_holds() {
    let size = |count| {
        let mut host = serving_many(count);
        host.want(at(1002), want_of(0, 10));
        let (_, swap) = host.swap();
        format!("{swap:?}").len()
    };
    assert_eq!(size(1), size(100));
}

#[test]
fn a_workspace_whose_windows_are_over_is_forgotten_and_read_again_when_it_is_asked_for() {
    let mut host = serving_many(1);
    booked(&mut host, 0, 3);
    host.0.advance(at(1029));
    assert_eq!(host.0.kept(), 1, "its window ended less than two windows ago");
    let marks = host.0.marks(0, &named(0)).cloned();
    host.0.advance(at(1031));
    assert_eq!(host.0.kept(), 0);
    host.want(at(1032), WantedBlock { workspace: named(0), ..want(1032, 5) });
    let token = host.read();
    host.show(at(1032), &token, marks.zip(Some(Version(3))));
    assert_eq!(host.cas().1, Some(Version(3)));
}

#[test]
fn an_idle_workspace_costs_nothing_and_what_was_learned_of_it_is_known_all_the_same() {
    let (mut host, token, _) = taking("a", 1, None);
    let mut idle = stated();
    let learned = Learned { permits: Some(permits(20)), ..Learned::default() };
    idle.learn(want(0, 0).limit, learned);
    let effects = owns(&mut host, &token, 1, vec![(idle.clone(), Version(1))]);
    let Some(HostEffect::OpenAll { learned, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(learned[&workspace()], idle.learned);
    assert_eq!(host.0.kept(), 0);
}

#[test]
fn marks_are_read_page_by_page_and_a_page_that_fails_is_asked_for_again() {
    let (mut host, token, _) = taking("a", 1, None);
    host.done(at(1001), &token, 1);
    let scan = |host: &mut Scripted| {
        let effects = host.effects();
        let [HostEffect::Scan { token, after }] = &effects[..] else { panic!("{effects:?}") };
        (token.clone(), after.clone())
    };
    let (token, _) = scan(&mut host);
    let page = |next| ScanOutcome::Page { marks: vec![(stated(), Version(1))], next };
    host.0.scan_done(at(1001), &token, page(Some(named(5))));
    let (token, after) = scan(&mut host);
    assert_eq!(after, Some(named(5)));
    host.0.scan_done(at(1001), &token, ScanOutcome::Failed);
    assert!(host.effects().is_empty() && !host.0.is_serving(0));
    host.0.advance(at(1002));
    let (token, after) = scan(&mut host);
    assert_eq!(after, Some(named(5)));
    host.0.scan_done(at(1002), &token, page(None));
    assert!(host.0.is_serving(0));
}

#[test]
fn a_hand_over_of_more_workspaces_than_a_write_holds_names_the_new_owner_last() {
    let count = RETURNS_MAX + 3;
    let mut host = serving_many(count);
    (0..count).for_each(|n| booked(&mut host, n, 3));
    let granted = (0..count).map(|n| (key_of(n), permits(4)));
    host.0.hand_over(at(1003), 0, node("b"), granted.collect::<Vec<_>>());
    let alone = host.effects();
    assert_eq!(alone.len(), 3);
    for effect in alone {
        let HostEffect::Swap { token, swap } = effect else { panic!("{effect:?}") };
        assert_eq!(
            (swap.puts.len(), marks_in(&swap).1.marks.values().next().expect("one").hi),
            (1, permits(4))
        );
        host.done(at(1003), &token, 4);
    }
    let (token, swap) = host.swap();
    assert_eq!((swap.puts.len(), claim_in(&swap).owner), (RETURNS_MAX + 1, node("b")));
    assert!(swap.compare.len() <= 128);
    host.done(at(1003), &token, 5);
    assert!(matches!(&host.effects()[..], [HostEffect::Lost { why: LostWhy::HandedOver { .. }, .. }]));
}

#[test]
fn a_new_anchor_opens_every_workspace_again_and_a_shard_that_is_away_once_it_is_back() {
    let mut host = serving_many(1);
    host.0.reanchor();
    let effects = host.effects();
    let [HostEffect::Scan { token, .. }] = &effects[..] else { panic!("{effects:?}") };
    host.0.scan_done(at(1002), token, ScanOutcome::Page { marks: Vec::new(), next: None });
    let effects = host.effects();
    let [HostEffect::OpenAll { life, is_reanchored: true, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert!(
        (1 << 24..2 << 24).contains(life) && *life != 1 << 24,
        "another life, before those of the next epoch"
    );
    let mut away = Scripted(Host::new(node("a"), 1, 7 << 64, Horizon::DEFAULT));
    away.0.reanchor();
    assert!(away.effects().is_empty());
}

#[test]
fn a_workspace_that_is_deleted_and_never_booked_leaves_nothing_behind() {
    let mut host = serving_many(0);
    host.0.apply(at(1002), 0, ShardInput::Forget { workspace: named(0) });
    let token = host.read();
    host.show(at(1002), &token, None);
    assert!(host.effects().is_empty());
    host.0.advance(at(1004));
    assert_eq!(host.0.kept(), 0);
}

#[test]
fn a_block_that_waits_while_a_clock_that_was_ahead_is_set_right_is_not_booked() {
    let mut host = serving_many(1);
    host.want(at(1002), want_of(0, 10));
    let (token, ..) = host.cas();
    host.want(at(1500), WantedBlock { workspace: named(0), ..want(1500, 10) });
    host.done(at(1003), &token, 3);
    assert_eq!(host.refused(), [BookRefusal::TooEarly]);
    host.want(at(1003), want_of(0, 5));
    let (.., marks) = host.cas();
    assert_eq!(marks.marks.keys().map(|key| key.window_start).collect::<Vec<_>>(), [at(1000)]);
}
