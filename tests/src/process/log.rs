//! What the workers of a load recorded, in instants of one monotonic clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tonic::Code;

use super::call::ProviderResponse;

/// One request to the provider.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The earliest instant at which the server may have decided on its lease.
    pub decided: Instant,
    /// When it was sent.
    pub sent: Instant,
    /// When its response had arrived.
    pub answered: Instant,
    /// Its response.
    pub response: ProviderResponse,
    /// When the server had acknowledged the report of the response.
    pub reported: Option<Instant>,
}

/// A request for a lease that was refused.
#[derive(Clone, Debug)]
pub struct RefusedRequest {
    /// When it was sent.
    pub sent: Instant,
    /// When the answer came.
    pub answered: Instant,
    /// Its status.
    pub code: Code,
    /// Its reason; empty if there is none.
    pub reason: String,
    /// Its message.
    pub message: String,
}

/// All that was recorded.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Requests to the provider, in the order of their reports.
    pub calls: Vec<Call>,
    /// Leases that were granted: when the answer came, and how many permits.
    pub leases: Vec<(Instant, u32)>,
    /// Requests for leases that were refused.
    pub refusals: Vec<RefusedRequest>,
    /// Permits whose lease ended before they were used.
    pub expired: u32,
    /// Permits that were returned and accepted.
    pub returned: u32,
    /// Reports that were refused, by reason.
    pub lost_reports: BTreeMap<String, u32>,
    /// The longest time from the last check of a lease to the response.
    pub slowest: Duration,
}

impl Log {
    /// The permits of all leases.
    pub fn granted(&self) -> u32 {
        self.leases.iter().map(|(_, permits)| permits).sum()
    }

    /// When the server had acknowledged the first report of a response that `shows` a change.
    pub fn first_reported(&self, shows: impl Fn(&ProviderResponse) -> bool) -> Option<Instant> {
        self.calls.iter().filter(|call| shows(&call.response)).filter_map(|call| call.reported).min()
    }

    /// Throttled requests under leases on which the server decided after `instant`.
    pub fn throttled_after(&self, instant: Instant) -> Vec<Call> {
        let after = |call: &&Call| call.response.is_throttled() && call.decided > instant;
        self.calls.iter().filter(after).copied().collect()
    }
}
