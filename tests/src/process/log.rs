//! What the workers of a load saw, in instants of one monotonic clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::call::Said;

/// One request to the provider.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The server did not decide on its lease before then.
    pub decided: Instant,
    /// When it was sent.
    pub sent: Instant,
    /// When its response was there.
    pub answered: Instant,
    /// What the response said.
    pub said: Said,
    /// When the server had confirmed that it knows what the response said.
    pub told: Option<Instant>,
}

/// An answer to a request for a lease that was no lease.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// When it was asked for.
    pub sent: Instant,
    /// When the answer came.
    pub answered: Instant,
    /// Its status.
    pub code: Code,
    /// Its reason; empty where the answer bore none.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Requests to the provider, in the order of their reports.
    pub calls: Vec<Call>,
    /// Leases that were granted: when the answer came, and how many permits.
    pub leases: Vec<(Instant, u32)>,
    /// Requests for leases that were refused.
    pub refusals: Vec<Refusal>,
    /// Permits whose lease ended before they were used.
    pub expired: u32,
    /// Permits that were given back and taken.
    pub returned: u32,
    /// Reports that were refused, by reason.
    pub lost_reports: BTreeMap<String, u32>,
    /// The longest time from the last look at a lease's end to the request's answer.
    pub slowest: Duration,
}

impl Log {
    /// Permits that were granted, all told.
    pub fn granted(&self) -> u32 {
        self.leases.iter().map(|(_, permits)| permits).sum()
    }

    /// The first moment at which the server had confirmed a response that shows `what`.
    pub fn told_of(&self, what: impl Fn(&Said) -> bool) -> Option<Instant> {
        self.calls.iter().filter(|call| what(&call.said)).filter_map(|call| call.told).min()
    }

    /// Throttled requests under leases on which the server decided after `moment`.
    pub fn throttled_after(&self, moment: Instant) -> Vec<Call> {
        let after = |call: &&Call| call.said.is_throttled() && call.decided > moment;
        self.calls.iter().filter(after).copied().collect()
    }
}

/// The reason in the details of a status; empty where there is none.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
