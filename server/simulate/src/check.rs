//! Compares the outcome of a run with what its scenario expects.

mod answers;
mod compare;
mod grants;

use crate::decimal::seconds;
use crate::expectation::Expectation;
use crate::read::Trial;
use crate::safety::breaches;
use crate::tally::{Tally, budgets};
use answers::{decision, order};
use compare::{at_seconds, float, near, unless};
use grants::{granted, granted_by, grants, longest_gap, longest_wait};

/// What a check found.
#[derive(Default)]
pub struct Findings {
    /// Expectations that hold.
    pub passed: usize,
    /// What does not hold, and what was seen, as texts.
    pub failures: Vec<String>,
}

/// Checks safety first, then each expectation of the scenario.
pub(crate) fn check(trial: &Trial, tally: &Tally<'_>) -> Findings {
    let mut findings = Findings { failures: breaches(tally), passed: 0 };
    for expected in &trial.expected {
        match failure(tally, &expected.what) {
            Some(saw) => findings.failures.push(format!("{}: saw {saw}", expected.text)),
            None => findings.passed += 1,
        }
    }
    findings
}

/// What was seen where an expectation does not hold.
fn failure(tally: &Tally<'_>, what: &Expectation) -> Option<String> {
    match what {
        Expectation::Granted { team, caller, window, windows, value, abs, rel } => {
            let (first, last) = windows.or(window.map(|window| (window, window)))?;
            let saw = granted(tally, team, caller.as_deref(), first, last);
            unless(near(saw, *value, *abs, *rel), saw)
        }
        Expectation::GrantedMax { team, window, max } => {
            let saw = granted(tally, team, None, *window, *window);
            unless(saw <= *max, saw)
        }
        Expectation::GrantedBy { team, at_s, min, max } => {
            let saw = granted_by(tally, team, *at_s);
            unless(saw >= min.unwrap_or(0.0) && saw <= max.unwrap_or(f64::INFINITY), saw)
        }
        Expectation::WindowTotal { window, value, abs } => {
            let saw = float(tally.total(*window));
            unless(near(saw, *value, *abs, 0.0), saw)
        }
        Expectation::WindowMax { window, max } => {
            let saw = float(tally.total(*window));
            unless(saw <= *max, saw)
        }
        Expectation::Idle { value } => {
            let saw = float(budgets(tally.scenario).first()? - tally.total(0));
            unless(saw == *value, saw)
        }
        Expectation::Wait { team, max_s } => longest_wait(tally, team, *max_s),
        Expectation::FirstGrant { team, at_s, abs_s, max_window } => {
            let Some((at, window, _)) = grants(tally, team).next() else { return Some("no grant".into()) };
            let in_time = max_window.is_none_or(|most| window <= most);
            let near_it =
                at_s.is_none_or(|want| near(at_seconds(tally, at), want, abs_s.unwrap_or(0.0), 0.0));
            unless(in_time && near_it, format!("{} s, window {window}", seconds(tally.offset_ns(at))))
        }
        Expectation::Gap { team, max_windows } => longest_gap(tally, team, *max_windows),
        Expectation::Decision { tag, answer, at_s, abs_s, retry_after_s, retry_abs_s } => {
            let when = (at_s.unwrap_or(0.0), abs_s.unwrap_or(0.0));
            decision(tally, tag, *answer, when, retry_after_s.zip(*retry_abs_s))
        }
        Expectation::Order { tags } => order(tally, tags),
    }
}

#[cfg(test)]
mod tests;
