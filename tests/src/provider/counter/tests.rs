//! What the provider counts, with time moved by hand.

use super::super::report::{OTHER_TEAMS, TEAMS_MAX};
use super::super::revisions::REVISIONS_KEPT;
use super::*;

/// A multiple of every window used here, in milliseconds since the Unix epoch.
const BASE_MS: u64 = 1_700_000_000_000;

fn at(ms: u64) -> u64 {
    (BASE_MS + ms) * 1_000_000
}

fn ms(ns: u64) -> u64 {
    ns / 1_000_000 - BASE_MS
}

fn counter(rules: Rules) -> Counter {
    Counter::new(rules, at(0)).expect("valid rules")
}

fn with_limit(limit: u64) -> Counter {
    counter(Rules { limit, ..Rules::default() })
}

/// Lets `count` requests arrive at one instant, and returns how many were accepted.
fn accepted(counter: &mut Counter, at_ms: u64, count: u64) -> u64 {
    let verdicts = (0..count).map(|_| counter.arrive(at(at_ms), "web", "/contacts"));
    u64::try_from(verdicts.filter(|verdict| verdict.throttled.is_none()).count()).expect("few")
}

#[test]
fn a_window_accepts_its_limit_and_so_does_the_next() {
    let mut counter = with_limit(166);
    assert_eq!(accepted(&mut counter, 9_999, 200), 166);
    assert_eq!(accepted(&mut counter, 10_000, 200), 166);
    let report = counter.report(at(20_000), 10);
    assert_eq!(report.windows.len(), 2);
    assert_eq!((report.total.arrivals, report.total.accepted, report.total.over_limit), (400, 332, 68));
    assert_eq!(report.open.tally.arrivals, 0);
}

#[test]
fn windows_start_at_multiples_of_their_length_plus_the_phase() {
    let mut counter = counter(Rules { phase_ms: 3_700, ..Rules::default() });
    assert_eq!(ms(counter.arrive(at(3_699), "web", "/").reset_ns), 3_700);
    assert_eq!(ms(counter.arrive(at(3_700), "web", "/").reset_ns), 13_700);
}

#[test]
fn remaining_falls_to_zero_and_not_below() {
    let mut counter = with_limit(2);
    let left: Vec<_> = (0..4).map(|_| counter.arrive(at(1), "web", "/").remaining).collect();
    assert_eq!(left, [1, 0, 0, 0]);
}

#[test]
fn a_lower_limit_is_in_force_at_once_and_only_arrivals_after_it_are_over() {
    let mut counter = with_limit(166);
    assert_eq!(accepted(&mut counter, 1_000, 150), 150);
    counter.change(at(2_000), Change { limit: Some(120), ..Change::default() }).unwrap();
    let verdict = counter.arrive(at(2_001), "web", "/");
    assert_eq!((verdict.throttled, verdict.limit, verdict.remaining), (Some(Cause::Limit), 120, 0));
    assert_eq!(counter.report(at(2_002), 0).total.over_limit, 1);
}

#[test]
fn throttled_requests_count_only_if_the_rules_say_so() {
    for (count_rejected, accepted_later) in [(true, 0), (false, 3)] {
        let mut counter = counter(Rules { limit: 5, count_rejected, ..Rules::default() });
        assert_eq!(accepted(&mut counter, 1_000, 8), 5);
        counter.change(at(2_000), Change { limit: Some(8), ..Change::default() }).unwrap();
        assert_eq!(accepted(&mut counter, 2_000, 5), accepted_later);
    }
}

#[test]
fn a_new_phase_counts_the_arrivals_of_its_first_window_again() {
    let mut counter = with_limit(10);
    assert_eq!(accepted(&mut counter, 3_000, 4), 4);
    assert_eq!(accepted(&mut counter, 4_000, 5), 5);
    counter.change(at(5_000), Change { phase_ms: Some(3_700), ..Change::default() }).unwrap();
    assert_eq!(accepted(&mut counter, 5_000, 10), 5, "five of ten arrived from 3.7 s on");
    let report = counter.report(at(5_000), 10);
    assert_eq!((ms(report.windows[0].start_ns), ms(report.windows[0].end_ns)), (0, 5_000));
    assert_eq!((ms(report.open.start_ns), ms(report.open.end_ns), report.open.carried), (3_700, 13_700, 5));
    assert_eq!(report.windows[0].tally.arrivals + report.open.tally.arrivals, report.total.arrivals);
}

#[test]
fn a_new_phase_carries_arrivals_over_the_boundary_of_the_old_one() {
    let mut counter = with_limit(10);
    accepted(&mut counter, 9_000, 6);
    accepted(&mut counter, 11_000, 1);
    counter.change(at(12_000), Change { phase_ms: Some(8_000), ..Change::default() }).unwrap();
    assert_eq!(counter.report(at(12_000), 0).open.counted, 7);
}

#[test]
fn the_other_consumer_is_counted_evenly() {
    let mut counter = counter(Rules { limit: 100, external_percent: 30, ..Rules::default() });
    assert_eq!(counter.arrive(at(5_000), "web", "/").remaining, 100 - 15 - 1);
    assert_eq!(accepted(&mut counter, 9_999, 100), 69);
    let report = counter.report(at(30_000), 10);
    let external: Vec<_> = report.windows.iter().map(|window| window.external).collect();
    assert_eq!(external, [30, 30, 30], "also in windows without other requests");
    assert_eq!(report.external, 90);
}

#[test]
fn the_other_consumer_is_throttled_in_a_full_window() {
    let mut counter = counter(Rules { limit: 100, external_percent: 30, ..Rules::default() });
    assert_eq!(accepted(&mut counter, 0, 100), 100);
    let report = counter.report(at(10_000), 1);
    assert_eq!((report.windows[0].external, report.windows[0].external_throttled), (0, 30));
}

#[test]
fn too_many_requests_above_the_limit_lead_to_a_lock_out() {
    let mut counter = counter(Rules { limit: 5, penalty_after: 3, penalty_ms: 30_000, ..Rules::default() });
    accepted(&mut counter, 9_000, 7);
    assert_eq!(accepted(&mut counter, 10_000, 1), 1, "two over the limit are forgiven with the window");
    accepted(&mut counter, 10_000, 7);
    let verdict = counter.arrive(at(20_000), "web", "/");
    assert_eq!((verdict.throttled, verdict.locked_ns), (Some(Cause::Locked), Some(20_000_000_000)));
    assert_eq!(counter.arrive(at(39_999), "web", "/").throttled, Some(Cause::Locked));
    assert_eq!(counter.arrive(at(40_000), "web", "/").throttled, None);
}

#[test]
fn requests_during_a_lock_out_are_not_over_the_limit() {
    let mut counter = counter(Rules { limit: 1, penalty_after: 1, penalty_ms: 30_000, ..Rules::default() });
    accepted(&mut counter, 0, 2);
    assert_eq!(accepted(&mut counter, 10_000, 1), 0);
    let total = counter.report(at(10_000), 0).total;
    assert_eq!((total.over_limit, total.by_limit, total.by_lock), (1, 1, 1));
}

#[test]
fn a_job_cap_uses_only_its_own_request_of_the_window() {
    let mut counter = with_limit(166);
    let verdict = counter.arrive(at(1), "web", "/export/content/data");
    assert_eq!((verdict.throttled, verdict.remaining), (Some(Cause::JobCap), 165));
    assert_eq!(accepted(&mut counter, 2, 1), 1);
}

#[test]
fn forced_throttling_ends_after_that_many_requests() {
    let mut counter = with_limit(166);
    counter.change(at(0), Change { force_429: Some(2), ..Change::default() }).unwrap();
    assert_eq!(accepted(&mut counter, 1, 5), 3);
    let total = counter.report(at(1), 0).total;
    assert_eq!((total.by_force, total.over_limit), (2, 0));
}

#[test]
fn a_change_shows_in_the_first_response_to_a_later_arrival() {
    let mut counter = with_limit(10);
    let before = counter.arrive(at(1_000), "web", "/");
    counter.change(at(2_000), Change { limit: Some(2), ..Change::default() }).unwrap();
    let first = counter.arrive(at(2_100), "web", "/");
    accepted(&mut counter, 2_200, 3);
    counter.sent(at(2_300), &before);
    assert_eq!(
        counter.report(at(2_300), 0).revisions[0].first_shown_ns,
        None,
        "it was counted under the old limit"
    );
    counter.sent(at(2_400), &first);
    accepted(&mut counter, 2_500, 1);
    let report = counter.report(at(2_500), 0);
    let revision = &report.revisions[0];
    assert_eq!(revision.first_shown_ns, Some(at(2_400)));
    assert_eq!((revision.before_shown.arrivals, revision.before_shown.over_limit), (4, 3));
    assert_eq!((revision.after_shown.arrivals, revision.after_shown.over_limit), (1, 1));
}

#[test]
fn external_use_shows_in_the_first_response_that_counts_it() {
    let mut counter = with_limit(100);
    counter.change(at(0), Change { external_percent: Some(10), ..Change::default() }).unwrap();
    let none_yet = counter.arrive(at(100), "web", "/");
    counter.sent(at(101), &none_yet);
    let one = counter.arrive(at(600), "web", "/");
    counter.sent(at(601), &one);
    assert_eq!(counter.report(at(700), 0).revisions[0].first_shown_ns, Some(at(601)));
}

#[test]
fn a_change_that_is_out_of_range_has_no_effect() {
    let mut counter = with_limit(166);
    for change in [
        Change { limit: Some(0), ..Change::default() },
        Change { phase_ms: Some(10_000), limit: Some(5), ..Change::default() },
        Change { external_percent: Some(101), ..Change::default() },
    ] {
        assert!(counter.change(at(0), change).is_err());
    }
    let report = counter.report(at(0), 0);
    assert_eq!((report.rules.limit, report.revisions.len()), (166, 0));
}

#[test]
fn teams_are_counted_separately_and_add_up() {
    let mut counter = with_limit(3);
    for team in ["sync", "crm", "sync", "", "crm"] {
        counter.arrive(at(1), team, "/");
    }
    let report = counter.report(at(10_000), 1);
    let teams = &report.windows[0].teams.0;
    let found: Vec<_> = teams.iter().map(|(team, t)| (team.as_str(), t.accepted, t.throttled)).collect();
    assert_eq!(found, [("-", 0, 1), ("crm", 1, 1), ("sync", 2, 0)]);
    assert_eq!(teams.values().map(|t| t.arrivals).sum::<u64>(), report.total.arrivals);
}

#[test]
fn kept_windows_changes_and_teams_are_bounded() {
    let mut counter = counter(Rules { window_ms: 100, phase_ms: 0, limit: 10_000, ..Rules::default() });
    for step in 0..3_000_u64 {
        counter.arrive(at(step * 50), &format!("team-{step}"), "/");
        counter.arrive(at(step * 50), &"ä".repeat(1000), "/");
        counter.change(at(step * 50), Change { latency_ms: Some(step), ..Change::default() }).unwrap();
    }
    for step in 0..200 {
        counter.arrive(at(150_000), &format!("other-{step}"), "/");
    }
    let report = counter.report(at(150_000), usize::MAX);
    assert_eq!(report.windows.len(), WINDOWS_KEPT);
    assert_eq!(report.windows_forgotten, 1_500 - u64::try_from(WINDOWS_KEPT).unwrap());
    assert_eq!(report.revisions.len(), REVISIONS_KEPT);
    assert_eq!(report.revisions.back().map(|last| last.number), Some(3_000));
    assert_eq!((report.teams.0.len(), report.open.teams.0.len()), (TEAMS_MAX + 1, TEAMS_MAX + 1));
    assert!(report.teams.0.keys().all(|team| team.chars().count() <= TEAM_CHARS_MAX));
    assert_eq!(report.open.teams.0[OTHER_TEAMS].arrivals, 200 - 64);
    assert!(counter.recent.len() <= 101, "{} milliseconds kept", counter.recent.len());
}

#[test]
fn a_long_silence_is_skipped_at_once() {
    let mut counter =
        counter(Rules { external_percent: 100, limit: 100_000, window_ms: 100, ..Rules::default() });
    let year_ms = 365 * 86_400_000;
    let verdict = counter.arrive(at(year_ms + 50), "web", "/");
    assert_eq!(ms(verdict.reset_ns), year_ms + 100);
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut counter = with_limit(2);
    accepted(&mut counter, 10_000, 2);
    assert_eq!(accepted(&mut counter, 9_999, 1), 0, "no window opens twice");
    assert_eq!(counter.report(at(10_000), 0).clock_went_back, 1);
}
