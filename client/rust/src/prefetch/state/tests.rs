//! What a prefetch requests, hands out and returns, on a clock that the tests set.

use super::*;
use crate::lease::Lease;
use apportion_proto::v1::Reason;

fn at_ms(ms: u64) -> BootInstant {
    BootInstant::from_nanos(ms * 1_000_000)
}

fn lease(permits: u32, end_ms: u64, is_contended: bool) -> Arc<SharedLease> {
    let lease = Lease::of_nobody(permits, at_ms(end_ms), is_contended);
    Arc::new(SharedLease::new(lease, None))
}

fn state() -> PrefetchState {
    let options = PrefetchOptions::new().horizon(Duration::from_millis(100));
    PrefetchState::new(options, Duration::from_secs(10))
}

/// Takes permits of held leases at `ms`.
fn take(state: &mut PrefetchState, ms: u64, permits: u32) {
    for _ in 0..permits {
        drop(state.inventory.take(at_ms(ms)).expect("a permit is held"));
    }
}

/// Asks for a permit without waiting, when none is held.
fn miss(state: &mut PrefetchState, ms: u64) {
    assert!(state.take_or_miss(at_ms(ms)).is_none());
}

fn requested(state: &mut PrefetchState, ms: u64) -> Option<u32> {
    state.refill(at_ms(ms)).map(|refill| refill.permits)
}

/// Queues a caller when no permit is held.
fn wait(state: &mut PrefetchState, ms: u64, position: Option<u64>) -> QueueTicket {
    let Admission::Queued(ticket) = state.enter(at_ms(ms), at_ms(ms), position) else {
        panic!("it is not queued")
    };
    ticket
}

#[test]
fn nothing_is_requested_if_nothing_was_taken() {
    let mut state = state();
    assert_eq!(requested(&mut state, 1_000), None);
    state.add(at_ms(1_000), lease(4, 9_000, false));
    take(&mut state, 1_000, 4);
    assert_eq!(requested(&mut state, 1_010), None, "4 in 500 ms are less than 1 in 100 ms");
}

#[test]
fn the_request_is_the_recent_rate_times_the_horizon() {
    let mut state = state();
    state.add(at_ms(1_000), lease(40, 9_000, false));
    take(&mut state, 1_000, 40);
    assert_eq!(requested(&mut state, 1_010), Some(8), "40 in 500 ms are 8 in 100 ms");
    assert_eq!(requested(&mut state, 1_600), None, "takes count for 500 ms");
}

#[test]
fn a_request_never_exceeds_the_option() {
    let mut state = PrefetchState::new(PrefetchOptions::new().max_permits(5), Duration::from_secs(10));
    state.add(at_ms(1_000), lease(100, 9_000, false));
    take(&mut state, 1_000, 100);
    assert_eq!(requested(&mut state, 1_010), Some(5));
}

#[test]
fn a_refill_is_due_when_a_third_of_the_target_is_left() {
    let mut state = state();
    state.add(at_ms(1_000), lease(48, 9_000, false));
    take(&mut state, 1_000, 45);
    assert_eq!(requested(&mut state, 1_000), Some(6), "45 in 500 ms are 9 in 100 ms, of which 3 are held");
    let mut state = self::state();
    state.add(at_ms(1_000), lease(49, 9_000, false));
    take(&mut state, 1_000, 45);
    assert_eq!(requested(&mut state, 1_000), None, "4 are held");
}

#[test]
fn a_contended_lease_is_requested_and_kept_for_waiting_callers_only() {
    let mut state = state();
    state.add(at_ms(1_000), lease(40, 9_000, false));
    take(&mut state, 1_000, 40);
    let contended = lease(8, 9_000, true);
    state.add(at_ms(1_010), Arc::clone(&contended));
    assert_eq!((state.held(), contended.left()), (0, 0), "the rest is returned at once");
    assert_eq!(requested(&mut state, 1_010), None);
    let tickets: Vec<_> = (0..3).map(|_| wait(&mut state, 1_020, None)).collect();
    assert_eq!((tickets.len(), requested(&mut state, 1_020)), (3, Some(3)));
    state.add(at_ms(1_030), lease(3, 9_000, false));
    assert_eq!(requested(&mut state, 1_030), Some(8), "uncontended again: 43 in 500 ms");
}

#[test]
fn idle_permits_are_returned_and_used_ones_are_kept() {
    let mut state = state();
    let held = lease(60, 9_000, false);
    state.add(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 50);
    state.return_excess(at_ms(1_100));
    assert_eq!(held.left(), 10);
    take(&mut state, 1_190, 1);
    state.return_excess(at_ms(1_190));
    state.return_excess(at_ms(1_389));
    assert_eq!(held.left(), 9, "the last take was 199 ms ago");
    state.return_excess(at_ms(1_390));
    assert_eq!((held.left(), state.held()), (0, 0));
    assert!(state.inventory.take(at_ms(1_390)).is_none());
}

#[test]
fn permits_beyond_the_target_are_returned() {
    let mut state = state();
    let held = lease(30, 9_000, false);
    state.add(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 10);
    state.return_excess(at_ms(1_010));
    assert_eq!(held.left(), 2, "10 in 500 ms are 2 in 100 ms");
}

#[test]
fn permits_are_returned_before_they_expire() {
    let mut state = state();
    let held = lease(2, 1_200, false);
    state.add(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 1);
    state.return_excess(at_ms(1_099));
    assert_eq!(held.left(), 1);
    state.return_excess(at_ms(1_100));
    assert_eq!(held.left(), 0);
}

#[test]
fn no_permit_is_taken_at_or_after_the_end_and_the_next_lease_is_used() {
    let mut state = state();
    state.add(at_ms(1_000), lease(5, 2_000, false));
    state.add(at_ms(1_000), lease(5, 2_001, false));
    assert!(state.inventory.take(at_ms(1_999)).is_some());
    assert_eq!(state.held(), 9);
    assert!(state.inventory.take(at_ms(2_000)).is_some(), "of the second lease");
    assert_eq!(state.held(), 4);
    assert!(state.inventory.take(at_ms(2_001)).is_none());
}

#[test]
fn a_permit_put_back_goes_to_a_waiting_caller_unless_it_has_expired() {
    let mut state = state();
    let held = lease(2, 2_000, false);
    state.add(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 2);
    let mut first = wait(&mut state, 1_000, None);
    let mut second = wait(&mut state, 1_000, None);
    state.put_back(at_ms(1_999), &held);
    state.put_back(at_ms(2_000), &held);
    assert!(first.answer.try_recv().expect("an answer").is_ok());
    assert!(second.answer.try_recv().is_err(), "the permit has expired");
}

fn refusal(retry_after_s: Option<u64>) -> AcquireError {
    let retry_after = retry_after_s.map(Duration::from_secs);
    AcquireError::Refused { reason: Reason::WindowExhausted, message: "no".into(), retry_after }
}

#[test]
fn a_request_waits_as_long_as_the_longest_waiting_caller() {
    let mut state = state();
    let _tickets = [wait(&mut state, 1_000, None), wait(&mut state, 3_000, None)];
    let refill = state.refill(at_ms(4_000)).expect("two callers wait");
    assert_eq!((refill.permits, refill.max_wait), (2, Duration::from_secs(7)));
}

#[test]
fn a_refusal_fails_the_oldest_caller_and_those_that_cannot_wait_for_the_retry() {
    let mut state = state();
    let mut oldest = wait(&mut state, 1_000, None);
    let refill = state.refill(at_ms(1_000)).expect("one caller waits");
    let mut hopeless = wait(&mut state, 2_000, None);
    let mut hopeful = wait(&mut state, 2_001, None);
    state.refuse(at_ms(5_000), &refusal(Some(7)), refill.callers);
    for ticket in [&mut oldest, &mut hopeless] {
        let error = ticket.answer.try_recv().expect("an answer").expect_err("a refusal");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }
    assert!(hopeful.answer.try_recv().is_err(), "the retry is at 12 s, and it may wait until 12.001 s");
    assert_eq!((requested(&mut state, 11_999), state.resumes_at(at_ms(5_000))), (None, Some(at_ms(12_000))));
    assert_eq!(requested(&mut state, 12_000), Some(1), "for the caller that still waits");
}

#[test]
fn a_permanent_refusal_fails_every_caller_that_the_request_covered() {
    let mut state = state();
    let mut early = [wait(&mut state, 1_000, None), wait(&mut state, 1_000, None)];
    let refill = state.refill(at_ms(1_000)).expect("two callers wait");
    let mut late = wait(&mut state, 1_001, None);
    state.refuse(at_ms(1_002), &refusal(None), refill.callers);
    assert!(early.iter_mut().all(|ticket| ticket.answer.try_recv().is_ok_and(|answer| answer.is_err())));
    assert!(late.answer.try_recv().is_err(), "the request did not cover it");
}

#[test]
fn while_the_server_is_unreachable_every_caller_waits_for_its_own_deadline() {
    let mut state = state();
    let mut early = wait(&mut state, 1_000, None);
    let mut late = wait(&mut state, 1_251, None);
    let refill = state.refill(at_ms(1_000)).expect("two callers wait");
    state.refuse(at_ms(11_000), &AcquireError::Unreachable("away".into()), refill.callers);
    assert!(early.answer.try_recv().is_ok());
    assert!(late.answer.try_recv().is_err());
}

#[test]
fn after_a_refusal_nothing_is_requested_ahead_until_the_retry() {
    let mut state = state();
    miss(&mut state, 1_000);
    assert_eq!(requested(&mut state, 1_000), Some(1));
    state.refuse(at_ms(1_000), &refusal(Some(7)), CoveredCallers::default());
    miss(&mut state, 1_000);
    assert_eq!(requested(&mut state, 7_999), None);
    assert_eq!(requested(&mut state, 8_000), Some(1));
}

#[test]
fn a_caller_that_left_is_skipped_and_one_that_returns_keeps_its_position() {
    let mut state = state();
    let mut tickets: Vec<_> = (0..3).map(|_| wait(&mut state, 1_000, None)).collect();
    drop(tickets.remove(0));
    state.add(at_ms(1_010), lease(1, 9_000, false));
    assert!(tickets[0].answer.try_recv().is_ok(), "the first that is still waiting");
    let mut again = wait(&mut state, 1_020, Some(tickets[0].position));
    state.add(at_ms(1_030), lease(1, 9_000, false));
    assert!(again.answer.try_recv().is_ok(), "its position was before the third's");
    assert!(tickets[1].answer.try_recv().is_err());
}

#[test]
fn beyond_the_bound_no_caller_may_wait() {
    let mut state = state();
    let mut tickets: Vec<_> = (0..WAITING_MAX).map(|_| wait(&mut state, 1_000, None)).collect();
    assert!(matches!(state.enter(at_ms(1_000), at_ms(1_000), None), Admission::Refused(_)));
    let gone = tickets.pop().expect("a ticket");
    assert!(!state.leave(gone.position), "others still wait");
    tickets.push(wait(&mut state, 1_000, None));
}
