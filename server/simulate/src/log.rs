//! The event log: one JSON object per line, in order of time, as the format describes it.

use crate::decimal::seconds;
use crate::demand::ONLY_CALLER;
use apportion_core::ids::CallerId;
use apportion_core::scenario::{Record, Scenario, Verdict};
use apportion_core::time::Timestamp;
use serde::Serialize;
use serde_json::Number;
use std::io::{self, Write};

/// One line: when, and what.
#[derive(Serialize)]
struct Line<'a> {
    at_s: Number,
    #[serde(flatten)]
    what: What<'a>,
}

/// What happened. Keys that say nothing new are left out after `tag`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum What<'a> {
    Grant {
        team: &'a str,
        priority: &'a str,
        permits: u32,
        window: u32,
        waited_s: Number,
        tag: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        caller: Option<&'a str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        edge: bool,
    },
    Reject {
        team: &'a str,
        priority: &'a str,
        permits: u32,
        reason: &'a str,
        retry_after_s: Option<Number>,
        tag: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        caller: Option<&'a str>,
        detail: &'a str,
    },
    Return {
        team: &'a str,
        permits: u32,
        accepted: u32,
        window: u32,
    },
}

/// Writes the records of a run as an event log.
pub(crate) fn write(to: &mut dyn Write, scenario: &Scenario, records: &[Record]) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut *to, &line(scenario.origin, record))?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

fn line(origin: Timestamp, record: &Record) -> Line<'_> {
    let (Record::Grant { at, .. } | Record::Reject { at, .. } | Record::Return { at, .. }) = record;
    Line { at_s: number(offset(origin, *at)), what: what(record) }
}

fn what(record: &Record) -> What<'_> {
    match record {
        Record::Grant { team, caller, priority, permits, window, edge, waited, tag, .. } => What::Grant {
            team: team.as_str(),
            priority: priority.name(),
            permits: permits.get(),
            window: *window,
            waited_s: number(waited.as_ns().into()),
            tag: tag.as_deref(),
            caller: named(caller),
            edge: *edge,
        },
        Record::Reject { team, caller, priority, permits, reason, detail, retry_after, tag, .. } => {
            What::Reject {
                team: team.as_str(),
                priority: priority.name(),
                permits: permits.get(),
                reason: verdict(*reason),
                retry_after_s: retry_after.map(|span| number(span.as_ns().into())),
                tag: tag.as_deref(),
                caller: named(caller),
                detail: detail.name(),
            }
        }
        Record::Return { team, permits, accepted, window, .. } => What::Return {
            team: team.as_str(),
            permits: permits.get(),
            accepted: accepted.get(),
            window: *window,
        },
    }
}

/// The name of a kind of refusal.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Invalid => "INVALID",
        Verdict::Deadline => "DEADLINE",
        Verdict::Expired => "EXPIRED",
    }
}

/// Nanoseconds from the start of window 0.
pub(crate) fn offset(origin: Timestamp, at: Timestamp) -> i128 {
    i128::from(at.as_ns()) - i128::from(origin.as_ns())
}

fn named(caller: &CallerId) -> Option<&str> {
    Some(caller.as_str()).filter(|&name| name != ONLY_CALLER)
}

/// Decimal seconds with every digit there is.
fn number(ns: i128) -> Number {
    Number::from_string_unchecked(seconds(ns))
}
