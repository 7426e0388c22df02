//! What a lease was used for: cumulative reports, each permit comes back once and in time.

mod common;

use apportion_core::allocator::{SettleError, Settled};
use apportion_core::permits::Permits;
use apportion_core::request::{LeaseId, Reason};
use common::*;

fn world() -> World {
    World::new(policy(100, vec![team("a"), team("b")]))
}

fn settled(returned: u32, accepted: u32, is_open: bool) -> Result<Settled, SettleError> {
    Ok(Settled { returned: permits(returned), accepted: permits(accepted), is_open })
}

#[test]
fn reports_are_cumulative_and_a_repeat_changes_nothing() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    assert_eq!(world.settle(&lease, 2, 3), settled(3, 3, true));
    assert_eq!(world.settle(&lease, 2, 3), settled(3, 0, true));
    assert_eq!(world.settle(&lease, 4, 5), settled(5, 2, true));
    assert_eq!(world.allocator.left(), permits(95));
}

#[test]
fn an_older_report_changes_nothing() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    world.settle(&lease, 4, 5).expect("a report that holds");
    assert_eq!(world.settle(&lease, 1, 2), settled(5, 0, true));
    assert_eq!(world.settle(&lease, 0, 0), settled(5, 0, true));
    assert_eq!(world.allocator.left(), permits(95));
}

#[test]
fn what_was_used_never_comes_back() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    world.settle(&lease, 8, 0).expect("a report that holds");
    assert_eq!(world.settle(&lease, 0, 10), settled(2, 2, true));
    assert_eq!(world.allocator.left(), permits(92));
}

#[test]
fn returned_permits_are_granted_to_a_waiting_request() {
    let mut world = world();
    let lease = world.ask(&ask("a", 100)).lease();
    let waits = world.ask(&ask("b", 30)).ticket();
    world.go(5_000);
    world.settle(&lease, 0, 29).expect("a report that holds");
    world.outcome(waits).ticket();
    world.settle(&lease, 0, 30).expect("a report that holds");
    assert_eq!(world.outcome(waits).lease().permits, permits(30));
    assert_eq!(world.allocator.left(), permits(0));
}

#[test]
fn after_a_final_report_nothing_comes_back() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    assert_eq!(world.settle_by(&lease, ("a", "only"), (2, 3), true), settled(3, 3, false));
    assert_eq!(world.settle(&lease, 2, 8), settled(3, 0, false));
    assert_eq!(world.allocator.left(), permits(93));
}

#[test]
fn a_report_after_the_window_is_void() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    world.go(10_000);
    assert_eq!(world.settle(&lease, 0, 10), settled(0, 0, false));
    assert_eq!(world.allocator.left(), permits(100));
    assert_eq!(world.ask(&ask("b", 90)).lease().permits, permits(90));
}

#[test]
fn only_its_caller_may_settle_a_lease() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    world.ask(&ask("b", 1)).lease();
    for by in [("b", "only"), ("a", "other"), ("nobody", "only")] {
        assert_eq!(world.settle_by(&lease, by, (0, 10), true), Err(SettleError::NotYours), "{by:?}");
    }
    assert_eq!(world.allocator.left(), permits(89));
    assert_eq!(world.settle(&lease, 0, 10), settled(10, 10, true));
}

#[test]
fn a_lease_is_its_teams_among_few_teams_and_among_many() {
    for count in [1, 16, 17, 40] {
        let names: Vec<String> = (0..count).map(|n| format!("team-{n}")).collect();
        let mut world = World::new(policy(1_000, names.iter().map(|name| team(name)).collect()));
        for (name, next) in names.iter().zip(names.iter().cycle().skip(1)) {
            let lease = world.ask(&ask(name, 3)).lease();
            if name != next {
                assert_eq!(world.settle_by(&lease, (next, "only"), (0, 3), true), Err(SettleError::NotYours));
            }
            assert_eq!(world.settle_by(&lease, (name, "only"), (0, 3), false), settled(3, 3, true));
        }
        for unknown in ["team", "team-", "team-99", "zebra"] {
            assert_eq!(world.ask(&ask(unknown, 1)).reason(), Reason::UnknownTeam, "{unknown} of {count}");
        }
    }
}

#[test]
fn more_than_was_granted_is_an_error_and_changes_nothing() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    for (used, returned) in [(11, 0), (0, 11), (6, 5), (Permits::MAX.get(), Permits::MAX.get())] {
        let error = world.settle(&lease, used, returned).expect_err("more than was granted");
        let (used, returned) = (permits(used), permits(returned));
        assert_eq!(error, SettleError::TooMuch { used, returned, permits: permits(10) });
    }
    assert_eq!(world.allocator.left(), permits(90));
    assert_eq!(world.settle(&lease, 0, 10), settled(10, 10, true));
}

#[test]
fn an_unknown_lease_is_accepted_and_nothing_comes_back() {
    let mut world = world();
    let lease = world.ask(&ask("a", 10)).lease();
    for id in [0, 2, u64::MAX] {
        let unknown = apportion_core::request::Lease { id: LeaseId(id), ..lease };
        assert_eq!(world.settle(&unknown, 0, 10), settled(0, 0, false));
    }
    assert_eq!(world.allocator.left(), permits(90));
}
