//! Scripts against the marks of a workspace: what is spent or closed, and their bounds.

use super::*;

fn first() -> Marks {
    stated()
}

fn limit_number(n: usize) -> LimitId {
    LimitId::new(&format!("l{n}")).expect("a name")
}

fn full_of_marks() -> Marks {
    let mut marks = first();
    for n in 0..MARKS_MAX {
        let start = Timestamp::ZERO + Span::from_ms(u64::try_from(n).expect("a small number"));
        let (hi, known, booked) = (Permits::ONE, Permits::ZERO, Permits::ONE);
        let mark = Mark { window_end: start, hi, known, life: 1, booked, is_exhausted: false };
        marks.marks.insert(key(start), mark);
    }
    marks
}

#[test]
fn who_takes_a_shard_over_owns_it() {
    assert_eq!(Claim::first(node("a"), 1, 1).take_over(node("b"), 2, 1, at(0)).owner, node("b"));
}

#[test]
fn a_window_that_is_exhausted_before_anything_is_booked_is_spent() {
    let mut marks = first();
    marks.spend(&key(at(1000)), &window(1000), permits(100));
    assert_eq!(marks.hi(&key(at(1000))), permits(100));
    let again = marks.raise(&key(at(1000)), &window(1000), permits(1), permits(100), SERIES);
    assert_eq!(again, Err(BookRefusal::Spent));
}

#[test]
fn a_window_beyond_the_bound_of_marks_gets_none() {
    let mut full = full_of_marks();
    full.spend(&key(at(1000)), &window(1000), permits(100));
    assert_eq!(full.marks.len(), MARKS_MAX);
}

#[test]
fn a_clock_that_was_far_ahead_closes_no_more_than_the_windows_of_now() {
    let mut marks = first();
    for s in [1000, 1010] {
        marks.raise(&key(at(s)), &window(s), permits(5), permits(100), SERIES).expect("room");
    }
    let ahead = 1000 + 365 * 86_400;
    for s in [ahead, ahead + 10, ahead + 20] {
        marks.raise(&key(at(s)), &window(s), permits(5), permits(100), SERIES).expect("room");
        marks.clean_up(at(s));
    }
    assert_eq!(marks.known_from, at(1020), "what was forgotten");
    let too_far = |now| marks.booked_too_far_ahead(now, &Horizon::DEFAULT);
    assert_eq!(too_far(at(1012)), Some(at(ahead + 20)));
    assert_eq!(too_far(at(ahead + 20) - Span::from_ns(LENGTH.as_ns() / 3)), None, "a guard may be a third");
    let next = marks.under(&Claim::first(node("b"), 2, 1), at(1012), at(1012));
    assert!(next.is_closed(&key(at(1000)), &window(1000)) && next.is_closed(&key(at(1010)), &window(1010)));
    assert!(!next.is_closed(&key(at(1020)), &window(1020)));
}

#[test]
fn beyond_the_bound_of_marks_a_new_window_is_refused() {
    let refused = full_of_marks().raise(&key(at(9000)), &window(9000), permits(1), permits(100), SERIES);
    assert_eq!(refused, Err(BookRefusal::TooMany));
}

#[test]
fn beyond_the_bound_of_learned_limits_only_known_ones_are_written() {
    let mut marks = first();
    for n in 0..=LEARNED_MAX {
        marks.learn(limit_number(n), Learned::default());
    }
    assert_eq!((marks.learned.len(), marks.learned.get(&limit_number(LEARNED_MAX))), (LEARNED_MAX, None));
    let newer = Learned { permits: Some(permits(20)), ..Learned::default() };
    marks.learn(limit_number(0), newer);
    assert_eq!(marks.learned[&limit_number(0)], newer);
}

#[test]
fn a_restored_store_spends_the_last_window_that_a_fast_clock_may_have_booked() {
    // A clock two errors ahead of this one books windows that start a runway later: 1.2 s from now.
    let now = at(1000);
    let safe_from = Horizon::DEFAULT.known_from(now);
    let claim = Claim::first(node("a"), 1, 1).take_over(node("b"), 2, 9, safe_from);
    let marks = first().under(&claim, now, safe_from);
    let closed = |start: Timestamp| {
        let phase = Span::from_ns(start.as_ns() % LENGTH.as_ns());
        marks.is_closed(&key(start), &Grid::new(LENGTH, phase).at(start))
    };
    let last = now + Span::from_ms(1_200);
    assert!(closed(last) && !closed(last + Span::from_ns(1)));
}
