//! What a tagged request was answered, and in which order.

use super::compare::{at_seconds, near, unless};
use crate::decimal::seconds;
use crate::expectation::ExpectedAnswer;
use crate::log::verdict;
use crate::tally::Tally;
use apportion_core::scenario::{Record, Verdict};

pub(super) fn decision(
    tally: &Tally<'_>,
    tag: &str,
    answer: ExpectedAnswer,
    (at_s, abs_s): (f64, f64),
    retry: Option<(f64, f64)>,
) -> Option<String> {
    let mine = |record: &&Record| tag_of(record) == Some(tag);
    let wanted =
        |record: &&Record| matches!(record, Record::Grant { .. }) == (answer == ExpectedAnswer::Grant);
    let seen = || tally.records.iter().filter(mine);
    let all = || seen().map(|record| describe(tally, record)).collect::<Vec<_>>().join("; ");
    if answer == ExpectedAnswer::NotRejected {
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
        && (answer != ExpectedAnswer::Invalid || reason == Some(Verdict::Invalid))
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

pub(super) fn order(tally: &Tally<'_>, tags: &[String]) -> Option<String> {
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
