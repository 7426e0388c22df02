//! Answers that come too late, waits before a question is retried, and what comes to a shard that is not served.

use super::*;

/// A host whose write of a block of 30 ended in doubt, with the token of that write and of the read that followed.
fn in_doubt() -> (Scripted, Token, Token) {
    let mut host = serving();
    host.want(at(1002), want(1002, 30));
    let (write, ..) = host.cas();
    host.0.swap_done(at(1002), &write, SwapOutcome::Unknown);
    let read = host.read();
    (host, write, read)
}

#[test]
fn an_answer_to_a_write_that_is_in_doubt_is_ignored_while_the_marks_are_read() {
    let (mut host, write, _) = in_doubt();
    host.done(at(1003), &write, 2);
    assert!(host.effects().is_empty());
}

#[test]
fn an_answer_to_a_write_that_was_sent_again_is_ignored() {
    let (mut host, write, read) = in_doubt();
    host.show(at(1003), &read, None);
    let (again, ..) = host.cas();
    host.done(at(1003), &write, 2);
    assert!(host.effects().is_empty());
    host.done(at(1003), &again, 2);
    assert_eq!(host.confirmed(), [(0, 30)]);
}

#[test]
fn a_failed_read_is_retried_after_a_wait_that_doubles_up_to_a_second() {
    let (mut host, _, mut token) = in_doubt();
    let mut now = at(1003);
    for wait in [50, 100, 200, 400, 800, 1_000, 1_000].map(Span::from_ms) {
        host.0.read_done(now, &token, ReadOutcome::Failed);
        for early in [now, now + wait - Span::from_ns(1)] {
            host.0.advance(early);
            assert!(host.effects().is_empty(), "{wait:?} are not over");
        }
        now = now + wait;
        host.0.advance(now);
        token = host.read();
    }
}

#[test]
fn a_clock_that_stepped_back_does_not_prolong_the_wait() {
    let (mut host, _, token) = in_doubt();
    host.0.read_done(at(1003), &token, ReadOutcome::Failed);
    host.0.advance(at(900));
    host.read();
}

#[test]
fn what_is_learned_of_a_shard_that_is_not_served_is_not_written_later() {
    let mut host = Scripted(Host::new(node("a"), 1, 7 << 64, Horizon::DEFAULT));
    let (workspace, limit) = (workspace(), want(0, 0).limit);
    let learned = Learned { permits: Some(permits(20)), ..Learned::default() };
    host.0.apply(at(1000), 0, ShardInput::Learn { workspace, limit, learned });
    let (key, window, budget) = (key(at(1000)), window(1000), permits(100));
    host.0.apply(at(1000), 0, ShardInput::Exhausted { key, window, budget });
    host.want(at(1000), want(1000, 1));
    assert_eq!(host.refused(), [BookRefusal::NotOwner]);
    assert_eq!(host.0.kept(), 0);
}

#[test]
fn what_was_booked_of_an_open_window_can_be_handed_over_however_much_time_passed() {
    let mut host = serving();
    host.book(at(1002), 1002, 30, 2);
    host.0.advance(at(1009));
    host.effects();
    host.0.hand_over(at(1009), 0, node("b"), [(key(at(1000)), permits(12))]);
    assert_eq!(host.cas().2.hi(&key(at(1000))), permits(12));
}
