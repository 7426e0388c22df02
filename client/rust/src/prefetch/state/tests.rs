//! What a prefetch holds, on a clock that is moved by hand.

use super::*;
use crate::clock;
use crate::held::Held;
use crate::lease::Lease;
use crate::prefetch::shelf::Shelf;
use apportion_proto::v1::{Priority, Reason};
use std::sync::Mutex;

const NOBODY: Whom = Whom { oldest: None, before: 0 };

fn at_ms(ms: u64) -> BootInstant {
    BootInstant::from_nanos(ms * 1_000_000)
}

fn lease(permits: u32, end_ms: u64, contended: bool) -> Lease {
    let held = Held::new(permits, at_ms(end_ms));
    Lease { held, priority: Priority::Default, contended, origin: None, book: Mutex::default() }
}

fn stock(permits: u32, end_ms: u64, contended: bool) -> Arc<Stock> {
    Arc::new(Stock::new(lease(permits, end_ms, contended), None))
}

fn state() -> State {
    State::new(Ahead::new(), Duration::from_secs(10))
}

/// Takes so many permits at `ms`, of a lease that is held already.
fn take(state: &mut State, ms: u64, permits: u32) {
    for _ in 0..permits {
        drop(state.take(at_ms(ms)).expect("a permit is held"));
    }
}

fn asked(state: &mut State, ms: u64) -> Option<u32> {
    state.ask(at_ms(ms)).map(|ask| ask.permits)
}

/// Wants a permit where none is held.
fn wait(state: &mut State, ms: u64, place: Option<u64>) -> Place {
    let Entered::Waits(place) = state.enter(at_ms(ms), at_ms(ms), place) else { panic!("it does not wait") };
    place
}

#[test]
fn nothing_is_asked_for_where_nothing_was_taken() {
    let mut state = state();
    assert_eq!(asked(&mut state, 1_000), None);
    state.stow(at_ms(1_000), stock(4, 9_000, false));
    take(&mut state, 1_000, 4);
    assert_eq!(asked(&mut state, 1_010), None, "four in half a second are less than one in the next 100 ms");
}

#[test]
fn what_is_asked_for_is_what_was_taken_lately_times_the_horizon() {
    let mut state = state();
    state.stow(at_ms(1_000), stock(40, 9_000, false));
    take(&mut state, 1_000, 40);
    assert_eq!(asked(&mut state, 1_010), Some(8), "40 in 500 ms are 8 in 100 ms");
    assert_eq!(asked(&mut state, 1_600), None, "half a second later it is forgotten");
}

#[test]
fn no_more_is_asked_for_than_may_be() {
    let mut state = State::new(Ahead::new().most(5), Duration::from_secs(10));
    state.stow(at_ms(1_000), stock(100, 9_000, false));
    take(&mut state, 1_000, 100);
    assert_eq!(asked(&mut state, 1_010), Some(5));
}

#[test]
fn more_is_asked_for_when_half_is_gone_and_not_before() {
    let mut state = state();
    state.stow(at_ms(1_000), stock(48, 9_000, false));
    take(&mut state, 1_000, 40);
    assert_eq!(asked(&mut state, 1_000), None, "8 are held");
    take(&mut state, 1_000, 4);
    assert_eq!(asked(&mut state, 1_000), Some(4), "44 were taken: 8 of them in 100 ms, of which 4 are held");
}

#[test]
fn where_others_wait_only_what_is_waited_for_is_asked_for_and_kept() {
    let mut state = state();
    state.stow(at_ms(1_000), stock(40, 9_000, false));
    take(&mut state, 1_000, 40);
    let full = stock(8, 9_000, true);
    state.stow(at_ms(1_010), Arc::clone(&full));
    assert_eq!((state.held(), full.left()), (0, 0), "the rest went back at once");
    assert_eq!(asked(&mut state, 1_010), None);
    let places: Vec<_> = (0..3).map(|_| wait(&mut state, 1_020, None)).collect();
    assert_eq!((places.len(), asked(&mut state, 1_020)), (3, Some(3)));
    state.stow(at_ms(1_030), stock(3, 9_000, false));
    assert_eq!(asked(&mut state, 1_030), Some(8), "nobody else waits any more: 43 in 500 ms");
}

#[test]
fn what_is_idle_goes_back_and_what_is_in_use_stays() {
    let mut state = state();
    let held = stock(60, 9_000, false);
    state.stow(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 50);
    state.tidy(at_ms(1_100));
    assert_eq!(held.left(), 10);
    take(&mut state, 1_190, 1);
    state.tidy(at_ms(1_190));
    state.tidy(at_ms(1_389));
    assert_eq!(held.left(), 9, "taken from 199 ms ago");
    state.tidy(at_ms(1_390));
    assert_eq!((held.left(), state.held()), (0, 0));
    assert!(state.take(at_ms(1_390)).is_none());
}

#[test]
fn what_is_more_than_will_be_taken_soon_goes_back() {
    let mut state = state();
    let held = stock(30, 9_000, false);
    state.stow(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 10);
    state.tidy(at_ms(1_010));
    assert_eq!(held.left(), 2, "10 in 500 ms are 2 in 100 ms");
}

#[test]
fn what_ends_goes_back_before_it_does() {
    let mut state = state();
    let held = stock(2, 1_200, false);
    state.stow(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 1);
    state.tidy(at_ms(1_099));
    assert_eq!(held.left(), 1);
    state.tidy(at_ms(1_100));
    assert_eq!(held.left(), 0);
}

#[test]
fn no_permit_is_taken_at_or_after_the_end_and_the_lease_behind_it_is_taken_from() {
    let mut state = state();
    state.stow(at_ms(1_000), stock(5, 2_000, false));
    state.stow(at_ms(1_000), stock(5, 2_001, false));
    assert!(state.take(at_ms(1_999)).is_some());
    assert_eq!(state.held(), 9);
    assert!(state.take(at_ms(2_000)).is_some(), "of the second one");
    assert_eq!(state.held(), 4);
    assert!(state.take(at_ms(2_001)).is_none());
}

#[test]
fn without_a_lock_no_permit_is_taken_at_or_after_the_end_either() {
    let shelf = Shelf::new(Ahead::new(), Duration::from_secs(10));
    shelf.answered(at_ms(1_000), Ok(lease(5, 2_000, false)), NOBODY);
    assert!(shelf.take(at_ms(1_999)).is_some());
    assert!(shelf.take(at_ms(2_000)).is_none());
    assert!(shelf.take_or_miss(at_ms(2_000)).is_none());
}

#[test]
fn a_permit_that_is_put_back_goes_to_who_waits_unless_it_has_ended() {
    let mut state = state();
    let held = stock(2, 2_000, false);
    state.stow(at_ms(1_000), Arc::clone(&held));
    take(&mut state, 1_000, 2);
    let mut first = wait(&mut state, 1_000, None);
    let mut second = wait(&mut state, 1_000, None);
    state.put_back(at_ms(1_999), &held);
    state.put_back(at_ms(2_000), &held);
    assert!(first.answer.try_recv().expect("an answer").is_ok());
    assert!(second.answer.try_recv().is_err(), "it has ended");
}

fn refusal(retry_after_s: Option<u64>) -> AcquireError {
    let retry_after = retry_after_s.map(Duration::from_secs);
    AcquireError::Refused { reason: Reason::WindowExhausted, message: "no".into(), retry_after }
}

#[test]
fn it_is_asked_for_as_long_as_who_waits_longest_may_wait() {
    let mut state = state();
    let _places = [wait(&mut state, 1_000, None), wait(&mut state, 3_000, None)];
    let ask = state.ask(at_ms(4_000)).expect("two wait");
    assert_eq!((ask.permits, ask.max_wait), (2, Duration::from_secs(7)));
}

#[test]
fn a_refusal_reaches_who_waits_longest_and_who_cannot_wait_until_asking_is_of_use() {
    let mut state = state();
    let mut oldest = wait(&mut state, 1_000, None);
    let ask = state.ask(at_ms(1_000)).expect("one waits");
    let mut hopeless = wait(&mut state, 2_000, None);
    let mut hopeful = wait(&mut state, 2_001, None);
    state.refuse(at_ms(5_000), &refusal(Some(7)), ask.whom);
    for place in [&mut oldest, &mut hopeless] {
        let error = place.answer.try_recv().expect("an answer").expect_err("a refusal");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }
    assert!(hopeful.answer.try_recv().is_err(), "at 12 s asking is of use, and until 12.001 s it may wait");
    assert_eq!(asked(&mut state, 5_000), Some(1), "for the one that still waits");
}

#[test]
fn where_asking_is_never_of_use_everybody_who_had_come_is_refused() {
    let mut state = state();
    let mut early = [wait(&mut state, 1_000, None), wait(&mut state, 1_000, None)];
    let ask = state.ask(at_ms(1_000)).expect("two wait");
    let mut late = wait(&mut state, 1_001, None);
    state.refuse(at_ms(1_002), &refusal(None), ask.whom);
    assert!(early.iter_mut().all(|place| place.answer.try_recv().is_ok_and(|answer| answer.is_err())));
    assert!(late.answer.try_recv().is_err(), "it was not asked for");
}

#[test]
fn while_the_service_is_out_of_reach_everybody_waits_its_time_out() {
    let mut state = state();
    let mut early = wait(&mut state, 1_000, None);
    let mut late = wait(&mut state, 1_001, None);
    let ask = state.ask(at_ms(1_000)).expect("two wait");
    state.refuse(at_ms(11_000), &AcquireError::Unreachable("away".into()), ask.whom);
    assert!(early.answer.try_recv().is_ok());
    assert!(late.answer.try_recv().is_err());
}

#[test]
fn after_a_refusal_nothing_is_asked_for_ahead_until_it_is_of_use() {
    let mut state = state();
    state.miss();
    assert_eq!(asked(&mut state, 1_000), Some(1));
    state.refuse(at_ms(1_000), &refusal(Some(7)), NOBODY);
    state.miss();
    assert_eq!(asked(&mut state, 7_999), None);
    assert_eq!(asked(&mut state, 8_000), Some(1));
}

#[test]
fn whoever_left_is_passed_over_and_old_places_come_first() {
    let mut state = state();
    let mut places: Vec<_> = (0..3).map(|_| wait(&mut state, 1_000, None)).collect();
    drop(places.remove(0));
    state.stow(at_ms(1_010), stock(1, 9_000, false));
    assert!(places[0].answer.try_recv().is_ok(), "the first who is still there");
    let mut again = wait(&mut state, 1_020, Some(places[0].ticket));
    state.stow(at_ms(1_030), stock(1, 9_000, false));
    assert!(again.answer.try_recv().is_ok(), "its place was before the third's");
    assert!(places[1].answer.try_recv().is_err());
}

#[test]
fn beyond_the_bound_nobody_may_wait() {
    let mut state = state();
    let mut places: Vec<_> = (0..WAITING_MAX).map(|_| wait(&mut state, 1_000, None)).collect();
    assert!(matches!(state.enter(at_ms(1_000), at_ms(1_000), None), Entered::Full));
    let gone = places.pop().expect("a place");
    state.queue.leave(gone.ticket);
    places.push(wait(&mut state, 1_000, None));
}

#[test]
fn a_permit_on_its_way_to_who_has_gone_goes_to_the_next() {
    let shelf = Shelf::new(Ahead::new(), Duration::from_secs(10));
    let now = clock::now();
    let wait = || match shelf.enter(now, None) {
        Entered::Waits(place) => place,
        other => panic!("{other:?}"),
    };
    let (first, mut second) = (wait(), wait());
    let in_an_hour_ms = now.nanos() / 1_000_000 + 3_600_000;
    shelf.answered(now, Ok(lease(1, in_an_hour_ms, false)), NOBODY);
    assert!(second.answer.try_recv().is_err(), "the first was before");
    drop(first);
    assert!(second.answer.try_recv().is_ok_and(|answer| answer.is_ok()));
}
