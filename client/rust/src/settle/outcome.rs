//! What the server made of each report.

use super::pending::ReportBatch;
use super::report::LeaseReport;
use apportion_proto::v1::settle_outcome::Outcome;
use apportion_proto::v1::{Reason, Refusal, SettleOutcome};
use std::time::Duration;

/// The reports to send again, and how long to wait before that at least.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    pub(super) reports: Vec<LeaseReport>,
    pub(super) retry_after: Option<Duration>,
}

/// Returns the reports of a batch that are to be sent again. Logs refusals that are final.
pub(super) fn unsettled(batch: ReportBatch, outcomes: Vec<SettleOutcome>) -> Unsettled {
    let mut unsettled = Unsettled::default();
    let mut outcomes = outcomes.into_iter();
    for (report, requests) in batch.reports {
        let refusals = outcomes.by_ref().take(requests).filter_map(|outcome| match outcome.outcome {
            Some(Outcome::Refusal(refusal)) => Some(refusal),
            Some(Outcome::Settled(_)) | None => None,
        });
        if let Some(refusal) = refusals.last() {
            unsettled.refused(report, &refusal);
        }
    }
    unsettled
}

impl Unsettled {
    fn refused(&mut self, mut report: LeaseReport, refusal: &Refusal) {
        let retry_after = refusal.retry_after.and_then(|span| Duration::try_from(span).ok());
        if let Some(retry_after) = retry_after {
            self.retry_after = Some(self.retry_after.map_or(retry_after, |longest| longest.max(retry_after)));
            self.reports.push(report);
            return;
        }
        let (lease, reason) = (report.request.lease_id.as_str(), refusal.reason().as_str_name());
        tracing::warn!(lease, reason, message = refusal.message, "a lease report is refused");
        // An observation that the server does not accept must not take the returned permits with it.
        let is_about_observation = matches!(refusal.reason(), Reason::Malformed | Reason::UnknownLimit);
        if is_about_observation && !report.observations.is_empty() {
            report.observations.clear();
            self.reports.push(report);
        }
    }
}
