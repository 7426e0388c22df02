//! Every judge rejects a log that was tampered with.

use apportion_core::permits::Permits;
use apportion_core::scenario::{Arrivals as When, Record, Scenario};
use apportion_core::time::Span;
use apportion_tests::generate::{self, GUARD, Shape, WINDOW, permits};
use apportion_tests::{judge, replay};

type Judge = fn(&Scenario, &[Record]) -> Result<(), String>;

/// A scenario of one seed and its log, both changed before the judge sees them.
fn check(judge: Judge, change: impl Fn(&mut Scenario, &mut Vec<Record>)) {
    let mut scenario = generate::scenario(7, Shape { teams: 1, ..Shape::BACKLOGS });
    let mut log = replay(&scenario);
    judge(&scenario, &log).expect("the judge accepts the original log");
    change(&mut scenario, &mut log);
    judge(&scenario, &log).expect_err("the judge rejects the changed log");
}

fn shift(record: &mut Record, by: Span) {
    if let Record::Grant { at, waited, .. } = record {
        *at = *at + by;
        *waited = *waited + by;
    }
}

#[test]
fn one_permit_above_the_budget_is_noticed() {
    check(judge::never_above_the_budget, |_, log| {
        if let Record::Grant { permits, .. } = &mut log[0] {
            *permits += Permits::ONE;
        }
    });
}

#[test]
fn grants_above_a_cap_are_noticed() {
    check(judge::caps_kept, |scenario, _| scenario.policy.teams[0].cap = Some(Permits::ONE));
}

#[test]
fn a_grant_inside_the_guard_is_noticed() {
    let into_the_guard = WINDOW.less(GUARD) + Span::from_ns(1);
    check(judge::grants_only_while_open, |_, log| shift(&mut log[0], into_the_guard));
}

#[test]
fn a_grant_in_another_window_is_noticed() {
    check(judge::grants_only_while_open, |_, log| {
        if let Record::Grant { window, .. } = &mut log[0] {
            *window += 1;
        }
    });
}

#[test]
fn records_out_of_order_are_noticed() {
    check(|_, log| judge::in_order_of_time(log), |_, log| log.reverse());
}

#[test]
fn a_request_that_overtakes_is_noticed() {
    check(judge::first_come_first_served, |_, log| {
        if let Some(Record::Grant { waited, .. }) = log.last_mut() {
            *waited = *waited + WINDOW + WINDOW;
        }
        let last = log.pop();
        if let Some(Record::Grant { waited, .. }) = log.last_mut() {
            *waited = Span::ZERO;
        }
        log.extend(last);
    });
}

#[test]
fn more_answers_than_requests_are_noticed() {
    check(judge::no_request_answered_twice, |scenario, _| {
        scenario.demand[0].shape = When::Once { count: 1, at: generate::early() };
    });
}

#[test]
fn a_missing_answer_is_noticed() {
    check(judge::deadlines_kept, |scenario, log| {
        scenario.demand[0].shape = When::Once { count: 1, at: generate::early() };
        scenario.demand[0].max_wait = Some(Span::from_secs(5));
        log.clear();
    });
}

#[test]
fn a_grant_after_the_deadline_is_noticed() {
    check(judge::deadlines_kept, |scenario, _| {
        scenario.demand[0].max_wait = Some(Span::ZERO);
    });
}

#[test]
fn a_floor_that_is_not_kept_is_noticed() {
    check(judge::floors_kept, |scenario, log| {
        scenario.policy.floors.0 = [apportion_core::policy::Share::from_percent(50); 3];
        scenario.policy.largest_lease = Some(permits(1));
        log.clear();
    });
}
