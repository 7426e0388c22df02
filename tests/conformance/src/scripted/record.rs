//! What a scripted server was called with, as counts that a case can name.

use std::collections::BTreeSet;

use apportion_proto::v1;

/// What was called. Grants and returns are counted by the leases.
#[derive(Debug, Default)]
pub struct Record {
    /// Every call and every message on a stream.
    pub calls: u64,
    /// Messages that acquire.
    pub acquires: u64,
    /// Permits that they asked for.
    pub asked: u64,
    /// The most permits of one of them.
    pub most_asked: u64,
    /// Acquires that were answered with a refusal or a failure.
    pub refused: u64,
    /// Acquires that have no answer yet.
    pub waiting: u64,
    /// Acquires whose caller went away before the answer.
    pub withdrawn: u64,
    /// The longest `max_wait` that was asked for, in milliseconds.
    pub longest_wait_ms: u64,
    /// Request ids, each once.
    pub request_ids: BTreeSet<String>,
    /// Acquires without a request id.
    pub without_id: u64,
    /// Calls that get signals.
    pub signals_calls: u64,
    /// Calls that settle.
    pub settle_calls: u64,
    /// Reports in them.
    pub reports: u64,
    /// The most reports of one call.
    pub most_reports: u64,
    /// The most bytes of one message.
    pub most_bytes: u64,
    /// Observations in accepted reports.
    pub observations: u64,
    /// Those that say that the provider throttles.
    pub throttles: u64,
    /// The last observation.
    pub last: Option<v1::Observation>,
    /// Reports, batches or requests that the contract does not allow.
    pub malformed: Vec<String>,
    /// Calls without the token that the script wants.
    pub unauthenticated: u64,
    /// Callers, each once.
    pub callers: BTreeSet<String>,
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections that are open.
    pub open_connections: u64,
    /// Calls in flight, and the most at once.
    pub streams: u64,
    /// The most calls in flight at once.
    pub most_streams: u64,
}

impl Record {
    pub(super) fn acquire(&mut self, ask: &v1::AcquireLeaseRequest) {
        self.calls += 1;
        self.acquires += 1;
        self.waiting += 1;
        let permits = u64::from(ask.permits.unwrap_or(1));
        self.asked += permits;
        self.most_asked = self.most_asked.max(permits);
        if ask.request_id.is_empty() {
            self.without_id += 1;
        }
        self.request_ids.insert(ask.request_id.clone());
        self.callers.insert(ask.caller.clone());
        if let Some(wait) = &ask.max_wait {
            let ms = wait.seconds.saturating_mul(1000).saturating_add(i64::from(wait.nanos) / 1_000_000);
            self.longest_wait_ms = self.longest_wait_ms.max(u64::try_from(ms).unwrap_or(0));
            if wait.seconds < 0 || wait.nanos < 0 || (wait.seconds, wait.nanos) > (3600, 0) {
                self.malformed.push(format!("max_wait of {wait:?}"));
            }
        }
        if permits == 0 || ask.min_permits.is_some_and(|least| least == 0 || u64::from(least) > permits) {
            self.malformed.push(format!("{permits} permits, at least {:?}", ask.min_permits));
        }
    }

    pub(super) fn accepted(&mut self, report: &v1::SettleLeaseRequest) {
        for seen in &report.observations {
            self.observations += 1;
            self.throttles += u64::from(seen.throttled);
            self.last = Some(seen.clone());
        }
    }

    /// The count of that name; `None` if there is no such count.
    pub fn count(&self, name: &str) -> Option<u64> {
        let size = |set: &BTreeSet<String>| u64::try_from(set.len()).unwrap_or(u64::MAX);
        let ms = |span: Option<prost_types::Duration>| {
            let span = span.unwrap_or_default();
            u64::try_from(span.seconds * 1000 + i64::from(span.nanos) / 1_000_000).unwrap_or(0)
        };
        let last = self.last.as_ref();
        Some(match name {
            "calls" => self.calls,
            "acquires" => self.acquires,
            "asked" => self.asked,
            "most_asked" => self.most_asked,
            "refused" => self.refused,
            "waiting" => self.waiting,
            "withdrawn" => self.withdrawn,
            "longest_wait_ms" => self.longest_wait_ms,
            "request_ids" => size(&self.request_ids),
            "without_id" => self.without_id,
            "signals_calls" => self.signals_calls,
            "settle_calls" => self.settle_calls,
            "reports" => self.reports,
            "most_reports" => self.most_reports,
            "most_bytes" => self.most_bytes,
            "observations" => self.observations,
            "throttles" => self.throttles,
            "last_age_ms" => ms(last.and_then(|last| last.age)),
            "last_retry_after_ms" => ms(last.and_then(|last| last.retry_after)),
            "last_status" => last.map_or(0, |last| u64::from(last.status)),
            "last_limit" => last.map_or(0, |last| last.limit_permits.unwrap_or(0).into()),
            "last_remaining" => last.map_or(0, |last| last.remaining_permits.unwrap_or(0).into()),
            "malformed" => u64::try_from(self.malformed.len()).unwrap_or(u64::MAX),
            "unauthenticated" => self.unauthenticated,
            "callers" => size(&self.callers),
            "connections" => self.connections,
            "open_connections" => self.open_connections,
            "most_streams" => self.most_streams,
            _ => return None,
        })
    }
}
