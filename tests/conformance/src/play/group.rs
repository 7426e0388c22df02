//! The results of one step, which may be many, and their counts.

use std::time::{Duration, Instant};

use crate::driver::Answer;
use crate::v1::driver_response::Result as Outcome;
use crate::v1::failure::Kind;
use crate::v1::{Failure, StateResult};
use crate::world::most_in;

/// One result: when it was asked for, and what came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) since: Instant,
    pub(super) answer: Answer,
}

/// The results of one step, in the order of their start.
#[derive(Clone, Debug, Default)]
pub(super) struct Group(pub(super) Vec<Asked>);

impl Asked {
    fn failure(&self) -> Option<&Failure> {
        match &self.answer.outcome {
            Outcome::Failure(failure) => Some(failure),
            _ => None,
        }
    }

    /// From its request to its answer, as seen from outside.
    fn elapsed(&self) -> Duration {
        self.answer.at.saturating_duration_since(self.since)
    }
}

impl Group {
    /// What the driver or the library cannot do, if any of it was asked for.
    pub(super) fn unsupported(&self) -> Option<String> {
        let failures = self.0.iter().filter_map(Asked::failure);
        let mut unsupported = failures.filter(|failure| failure.kind() == Kind::Unsupported);
        unsupported.next().map(|failure| failure.message.clone())
    }

    /// Whether any result is of this kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.0.iter().filter_map(Asked::failure).any(|failure| failure.kind() == kind)
    }

    /// Checks that every result is as expected: `ok`, `any`, or a kind and maybe a reason.
    pub(super) fn expect(&self, expected: &str) -> Result<(), String> {
        let (kind, reason) = expected.split_once(' ').unwrap_or((expected, ""));
        for asked in &self.0 {
            let is_expected = match (asked.failure(), kind) {
                (_, "any") | (None, "ok") => true,
                (Some(_), "failed") => true,
                (Some(failure), kind) => {
                    let name = failure.kind().as_str_name().trim_start_matches("KIND_");
                    name == kind && (reason.is_empty() || failure.reason == reason)
                }
                (None, _) => false,
            };
            if !is_expected {
                return Err(format!("expected {expected}, got {:?}", asked.answer.outcome));
            }
        }
        Ok(())
    }

    /// A count by its name; `None` inside if the driver does not tell it.
    pub(super) fn count(&self, what: &str) -> Option<Option<i64>> {
        let each = |of: fn(&Asked) -> i64| self.0.iter().map(of);
        let of_kind = |kind| {
            number(self.0.iter().filter(|asked| asked.failure().is_some_and(|f| f.kind() == kind)).count())
        };
        Some(match what {
            "all" => Some(number(self.0.len())),
            "ok" => Some(number(self.0.iter().filter(|asked| asked.failure().is_none()).count())),
            "failed" => Some(number(self.0.iter().filter(|asked| asked.failure().is_some()).count())),
            "refused" => Some(of_kind(Kind::Refused)),
            "unreachable" => Some(of_kind(Kind::Unreachable)),
            "timed_out" => Some(of_kind(Kind::TimedOut)),
            "cancelled" => Some(of_kind(Kind::Cancelled)),
            "closed" => Some(of_kind(Kind::Closed)),
            "other" => Some(of_kind(Kind::Other)),
            "permits" => Some(each(|asked| granted(asked).0).sum()),
            "count" => Some(each(|asked| granted(asked).1).sum()),
            "taken" => Some(each(taken).sum()),
            "ms" => Some(each(|asked| number(asked.elapsed().as_millis())).max().unwrap_or(0)),
            "least_ms" => Some(each(|asked| number(asked.elapsed().as_millis())).min().unwrap_or(0)),
            "driver_us" => Some(each(|asked| number(asked.answer.elapsed.as_micros())).max().unwrap_or(0)),
            "retry_after_ms" => self.least(retry_after),
            "most_retry_after_ms" => self.0.iter().filter_map(retry_after).max(),
            "valid_for_ms" => self.0.iter().filter_map(valid_for).max(),
            "left" => self.least(left),
            "status" => self.least(status),
            _ => match self.state(what) {
                Some(told) => told,
                None => Some(most_in(&self.granted_at(), what)?),
            },
        })
    }

    fn least(&self, of: fn(&Asked) -> Option<i64>) -> Option<i64> {
        self.0.iter().filter_map(of).min()
    }

    /// When permits were granted.
    fn granted_at(&self) -> Vec<Instant> {
        let granted = self.0.iter().filter(|asked| matches!(asked.answer.outcome, Outcome::Grant(_)));
        granted.map(|asked| asked.answer.at).collect()
    }

    /// A count of the last state. The outer `None` means that there is no such count.
    fn state(&self, what: &str) -> Option<Option<i64>> {
        let state = self.0.iter().rev().find_map(|asked| match &asked.answer.outcome {
            Outcome::State(state) => Some(*state),
            _ => None,
        });
        let state = state.unwrap_or(StateResult::default());
        let count = match what {
            "held" => state.held,
            "in_use" => state.in_use,
            "callers" => state.waiting,
            "pending_reports" => state.pending_reports,
            "open_leases" => state.open_leases,
            "threads" => state.threads,
            "tasks" => state.tasks,
            "open_files" => state.open_files,
            _ => return None,
        };
        Some(count.map(i64::from))
    }
}

fn granted(asked: &Asked) -> (i64, i64) {
    match &asked.answer.outcome {
        Outcome::Grant(grant) => (grant.permits.into(), grant.count.into()),
        _ => (0, 0),
    }
}

fn taken(asked: &Asked) -> i64 {
    match &asked.answer.outcome {
        Outcome::Taken(taken) => taken.taken.into(),
        _ => 0,
    }
}

fn retry_after(asked: &Asked) -> Option<i64> {
    asked.failure().and_then(|failure| failure.retry_after_ms).map(number)
}

fn valid_for(asked: &Asked) -> Option<i64> {
    match &asked.answer.outcome {
        Outcome::Grant(grant) => grant.valid_for_ms.map(number),
        Outcome::Inspection(seen) => seen.valid_for_ms.map(number),
        _ => None,
    }
}

fn left(asked: &Asked) -> Option<i64> {
    match &asked.answer.outcome {
        Outcome::Inspection(seen) => seen.left.map(i64::from),
        _ => None,
    }
}

fn status(asked: &Asked) -> Option<i64> {
    match &asked.answer.outcome {
        Outcome::Http(result) => result.response.as_ref().map(|response| response.status.into()),
        _ => None,
    }
}

fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
