//! Each kind of expectation holds where it should, and fails where it should.

use super::*;
use crate::read::parse;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::priority::Priority;
use apportion_core::scenario::Record;
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
        (r#"{"kind": "decision", "tag": "a", "answer": "grant", "at_s": 2, "abs_s": 0}"#, "grant", "reject"),
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
    assert!(breach(&[grant(&trial, 0, "B", 6), grant(&trial, 0, "B", 5)])[0].contains("11 granted of 10"));
    assert!(breach(&[grant(&trial, 0, "A", 7)])[0].contains("capped at 6"));
    assert!(breach(&[grant(&trial, 9001, "B", 1)])[0].contains("inside its margins"));
}
