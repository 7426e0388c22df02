//! Holds the outcome of a run against what its scenario expects.

use crate::decimal::seconds;
use crate::expectation::{Answer, Expectation};
use crate::log::verdict;
use crate::read::Trial;
use crate::safety::breaches;
use crate::tally::{Move, Tally, budgets};
use apportion_core::scenario::{Record, Verdict};
use apportion_core::time::Timestamp;

/// The slack of every comparison with a decimal of the file.
const SLACK: f64 = 1e-9;

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

fn unless(holds: bool, saw: impl ToString) -> Option<String> {
    if holds { None } else { Some(saw.to_string()) }
}

fn near(value: f64, want: f64, abs: f64, rel: f64) -> bool {
    let distance = (value - want).abs();
    distance <= abs + SLACK || distance <= rel * want.abs() + SLACK
}

/// Permits and nanoseconds of a run are far below 2^53, where floats are exact.
fn float(n: i64) -> f64 {
    n as f64
}

/// Seconds from the start of window 0, the nearest binary fraction, as the file's own number is.
fn at_seconds(tally: &Tally<'_>, at: Timestamp) -> f64 {
    tally.offset_ns(at) as f64 / 1e9
}

fn granted(tally: &Tally<'_>, team: &str, caller: Option<&str>, first: u32, last: u32) -> f64 {
    let Some(place) = tally.place(team) else { return 0.0 };
    let Some(caller) = caller else { return float(tally.below(place, first, last)) };
    let of_caller = tally.records.iter().filter_map(|record| match record {
        Record::Grant { team: who, caller: by, window, permits, .. }
            if who.as_str() == team && by.as_str() == caller && (first..=last).contains(window) =>
        {
            Some(i64::from(*permits))
        }
        _ => None,
    });
    float(of_caller.sum())
}

fn granted_by(tally: &Tally<'_>, team: &str, at_s: f64) -> f64 {
    let Some(root) = tally.place(team) else { return 0.0 };
    let until = tally
        .moves
        .iter()
        .filter(|moved| at_seconds(tally, moved.at) <= at_s + SLACK && tally.is_below(moved.team, root));
    float(until.map(|moved| moved.permits).sum())
}

/// The grants of a team and all below it: when, in which window, and how long each waited in seconds.
fn grants<'a>(tally: &'a Tally<'_>, team: &str) -> impl Iterator<Item = (Timestamp, u32, f64)> + use<'a> {
    let root = tally.place(team);
    let mine = move |moved: &&Move| root.is_some_and(|root| tally.is_below(moved.team, root));
    tally.moves.iter().filter(mine).filter_map(|moved| {
        let waited = moved.waited?;
        Some((moved.at, moved.window, waited.as_ns() as f64 / 1e9))
    })
}

fn longest_wait(tally: &Tally<'_>, team: &str, max_s: f64) -> Option<String> {
    match grants(tally, team).map(|(_, _, waited)| waited).reduce(f64::max) {
        None => Some("no grant".into()),
        Some(longest) => unless(longest <= max_s, format!("{longest} s")),
    }
}

fn longest_gap(tally: &Tally<'_>, team: &str, max_windows: u32) -> Option<String> {
    let (mut before, mut longest) = (-1, None);
    for (_, window, _) in grants(tally, team) {
        let gap = i64::from(window) - before;
        longest = longest.max(Some(gap));
        before = i64::from(window);
    }
    match longest {
        None => Some("no grant".into()),
        Some(gap) => unless(gap <= i64::from(max_windows), format!("{gap} windows")),
    }
}

fn decision(
    tally: &Tally<'_>,
    tag: &str,
    answer: Answer,
    (at_s, abs_s): (f64, f64),
    retry: Option<(f64, f64)>,
) -> Option<String> {
    let mine = |record: &&Record| tag_of(record) == Some(tag);
    let wanted = |record: &&Record| matches!(record, Record::Grant { .. }) == (answer == Answer::Grant);
    let seen = || tally.records.iter().filter(mine);
    let all = || seen().map(|record| describe(tally, record)).collect::<Vec<_>>().join("; ");
    if answer == Answer::NotRejected {
        return unless(!seen().any(|record| matches!(record, Record::Reject { .. })), all());
    }
    let Some(hit) = seen().find(wanted) else {
        return Some(Some(all()).filter(|all| !all.is_empty()).unwrap_or_else(|| "no answer".into()));
    };
    let (at, retry_after, reason) = match hit {
        Record::Reject { at, retry_after, reason, .. } => (at, *retry_after, Some(*reason)),
        Record::Grant { at, .. } | Record::Return { at, .. } => (at, None, None),
    };
    let retry_s = retry_after.map_or(-1.0, |span| span.as_ns() as f64 / 1e9);
    let holds = near(at_seconds(tally, *at), at_s, abs_s, 0.0)
        && (answer != Answer::Invalid || reason == Some(Verdict::Invalid))
        && retry.is_none_or(|(want, abs)| near(retry_s, want, abs, 0.0));
    unless(holds, describe(tally, hit))
}

fn tag_of(record: &Record) -> Option<&str> {
    match record {
        Record::Grant { tag, .. } | Record::Reject { tag, .. } => tag.as_deref(),
        Record::Return { .. } => None,
    }
}

fn describe(tally: &Tally<'_>, record: &Record) -> String {
    match record {
        Record::Grant { at, .. } => format!("a grant at {} s", seconds(tally.offset_ns(*at))),
        Record::Reject { at, reason, retry_after, .. } => {
            let retry = retry_after
                .map_or("never".into(), |span| format!("after {} s", seconds(span.as_ns().into())));
            format!("{} at {} s, retry {retry}", verdict(*reason), seconds(tally.offset_ns(*at)))
        }
        Record::Return { .. } => "a return".into(),
    }
}

fn order(tally: &Tally<'_>, tags: &[String]) -> Option<String> {
    let first = |tag: &String| {
        let mine =
            |record: &Record| matches!(record, Record::Grant { .. }) && tag_of(record) == Some(tag.as_str());
        tally.records.iter().position(mine)
    };
    let places: Vec<_> = tags.iter().map(first).collect();
    let holds = places.iter().all(Option::is_some) && places.is_sorted();
    let seen = |place: &Option<usize>| match place {
        Some(place) => describe(tally, &tally.records[*place]),
        None => "no grant".into(),
    };
    unless(holds, places.iter().map(seen).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parse;
    use apportion_core::ids::{CallerId, TeamId};
    use apportion_core::permits::Permits;
    use apportion_core::priority::Priority;
    use apportion_core::time::Span;

    /// Two windows of 10 permits for A (capped at 6) and B, and what is expected of them.
    fn trial(expect: &str) -> Trial {
        let text = format!(
            r#"{{"id": "t", "windows": 2, "events": [], "expect": [{expect}],
            "workspace": {{"window_s": 10, "budget": 10, "guard_s": 1, "lease_max": 10,
                "teams": [{{"id": "A", "cap": 6}}, {{"id": "B"}}]}},
            "demand": [{{"team": "A", "permits": 1, "count": 9, "at_s": 0, "tag": "a"}}]}}"#
        );
        parse(text.as_bytes()).unwrap()
    }

    fn grant(trial: &Trial, at_ms: u64, team: &str, permits: u64) -> Record {
        Record::Grant {
            at: trial.scenario.origin + Span::from_ms(at_ms),
            team: TeamId::new(team).unwrap(),
            caller: CallerId::new("default").unwrap(),
            priority: Priority::Default,
            permits: Permits::clamped(permits),
            window: u32::try_from(at_ms / 10_000).unwrap(),
            edge: false,
            waited: Span::from_ms(at_ms),
            tag: Some("a".into()),
        }
    }

    /// What fails when A was granted 5 permits at 2 s.
    fn failures(expect: &str) -> Vec<String> {
        let trial = trial(expect);
        let records = [grant(&trial, 2000, "A", 5)];
        check(&trial, &Tally::new(&trial.scenario, &records)).failures
    }

    #[test]
    fn each_kind_holds_and_fails() {
        let kinds = [
            (r#"{"kind": "granted", "team": "A", "window": 0, "value": 5.5, "abs": 0.5}"#, "5.5", "5.6"),
            (r#"{"kind": "granted_max", "team": "A", "window": 0, "max": 5}"#, "\"max\": 5", "\"max\": 4"),
            (r#"{"kind": "granted_by", "team": "A", "at_s": 2, "min": 5}"#, "\"at_s\": 2", "\"at_s\": 1.9"),
            (r#"{"kind": "window_total", "window": 0, "value": 5}"#, "\"value\": 5", "\"value\": 6"),
            (r#"{"kind": "window_max", "window": 0, "max": 5}"#, "\"max\": 5", "\"max\": 4"),
            (r#"{"kind": "idle", "value": 5}"#, "5", "4"),
            (r#"{"kind": "wait", "team": "A", "max_s": 2}"#, "2", "1.9"),
            (r#"{"kind": "first_grant", "team": "A", "at_s": 2, "abs_s": 0}"#, "2", "2.1"),
            (r#"{"kind": "first_grant", "team": "A", "max_window": 0}"#, "\"A\"", "\"B\""),
            (r#"{"kind": "gap", "team": "A", "max_windows": 1}"#, "1", "0"),
            (
                r#"{"kind": "decision", "tag": "a", "answer": "grant", "at_s": 2, "abs_s": 0}"#,
                "grant",
                "reject",
            ),
            (r#"{"kind": "order", "tags": ["a"]}"#, "", ""),
        ];
        for (expect, held, broken) in kinds {
            assert_eq!(failures(expect), [""; 0], "{expect}");
            if !held.is_empty() {
                assert_eq!(failures(&expect.replacen(held, broken, 1)).len(), 1, "{expect}");
            }
        }
    }

    #[test]
    fn a_breach_of_safety_fails_whatever_is_expected() {
        let trial = trial("");
        let breach = |records: &[Record]| check(&trial, &Tally::new(&trial.scenario, records)).failures;
        assert!(
            breach(&[grant(&trial, 0, "B", 6), grant(&trial, 0, "B", 5)])[0].contains("11 granted of 10")
        );
        assert!(breach(&[grant(&trial, 0, "A", 7)])[0].contains("capped at 6"));
        assert!(breach(&[grant(&trial, 9001, "B", 1)])[0].contains("inside its margins"));
    }
}
