//! A service with scripted answers that records every call and when it came.

use crate::clock::{self, BootInstant};
use crate::config::{Config, Fallback};
use crate::quota::Quota;
use crate::service::{CallError, LeaseService, PendingAnswer};
use apportion_proto::v1::settle_outcome::Outcome;
use apportion_proto::v1::{
    self, AcquireLeaseRequest, BatchSettleLeasesRequest, BatchSettleLeasesResponse, GetSignalsRequest,
    GetSignalsResponse, Reason, SettleLeaseRequest, SettleOutcome, Settled, Signals,
};
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The answer to an acquire, or to a batch of reports.
#[derive(Clone)]
pub(super) enum Reply {
    /// A lease of all permits that are requested, for 10 s; every report is accepted.
    Granted,
    Failed(Status),
    /// Every report is refused.
    Refusal(v1::Refusal),
    /// Nothing at all.
    Silence,
}

type Answers<T> = Box<dyn Fn(&T, BootInstant) -> (Duration, Reply) + Send + Sync>;

/// The service and its record.
pub(super) struct Script {
    acquires: Answers<AcquireLeaseRequest>,
    reports: Answers<BatchSettleLeasesRequest>,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    acquires: Vec<(BootInstant, AcquireLeaseRequest)>,
    batches: Vec<(BootInstant, Vec<SettleLeaseRequest>)>,
    granted: u32,
    /// The signals, the version of them that leases have, and the one that `GetSignals` answers with.
    signals: (Signals, u32, u32),
    signals_calls: u32,
}

impl Script {
    /// Answers acquires by a function of the request and the time, after a delay. Accepts all reports after 1 ms.
    pub(super) fn new(
        acquires: impl Fn(&AcquireLeaseRequest, BootInstant) -> (Duration, Reply) + Send + Sync + 'static,
    ) -> Self {
        let reports: Answers<BatchSettleLeasesRequest> = Box::new(|_, _| (ms(1), Reply::Granted));
        Self { acquires: Box::new(acquires), reports, record: Mutex::default() }
    }

    pub(super) fn reports(
        self,
        reports: impl Fn(&BatchSettleLeasesRequest, BootInstant) -> (Duration, Reply) + Send + Sync + 'static,
    ) -> Self {
        Self { reports: Box::new(reports), ..self }
    }

    /// A client of this service.
    pub(super) fn quota(self, fallback: Fallback) -> (Quota, Arc<Self>) {
        self.quota_with(|config| config.fallback(fallback))
    }

    /// A client of this service with further settings.
    pub(super) fn quota_with(self, set: impl FnOnce(Config) -> Config) -> (Quota, Arc<Self>) {
        let script = Arc::new(self);
        let service: Arc<dyn LeaseService> = script.clone();
        (Quota::of_service(service, set(Config::new("http://unused"))), script)
    }

    /// Has other signals from now on.
    pub(super) fn set_signals(&self, signals: Signals, version: u32) {
        self.record().signals = (signals, version, version);
    }

    /// Answers with another version of the signals than leases have, as a node that is out of step with the others.
    pub(super) fn answer_signals_with_version(&self, version: u32) {
        self.record().signals.2 = version;
    }

    /// How often the signals were got.
    pub(super) fn signals_calls(&self) -> u32 {
        self.record().signals_calls
    }

    pub(super) fn acquires(&self) -> Vec<(BootInstant, AcquireLeaseRequest)> {
        self.record().acquires.clone()
    }

    /// The batches of reports that were accepted or refused, not those that failed.
    pub(super) fn batches(&self) -> Vec<(BootInstant, Vec<SettleLeaseRequest>)> {
        self.record().batches.clone()
    }

    pub(super) fn granted(&self) -> u32 {
        self.record().granted
    }

    /// The permits used and returned, by the latest report of each lease.
    pub(super) fn settled(&self) -> (u32, u32) {
        let mut latest = std::collections::BTreeMap::new();
        for report in self.record().batches.iter().flat_map(|(_, reports)| reports) {
            latest.insert(report.lease_id.clone(), (report.used_permits, report.returned_permits));
        }
        latest.values().fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("no test panics with it")
    }
}

impl Debug for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

/// Waits for a scripted answer, no longer than a call may take.
async fn in_time(after: Duration, reply: Reply, limit: Duration) -> Result<Reply, CallError> {
    let after = if matches!(reply, Reply::Silence) { Duration::from_secs(86_400) } else { after };
    timeout(limit, sleep(after)).await.map_err(|_| Status::deadline_exceeded("no answer"))?;
    match reply {
        Reply::Failed(status) => Err(status.into()),
        reply => Ok(reply),
    }
}

impl LeaseService for Script {
    fn acquire(
        self: Arc<Self>,
        message: AcquireLeaseRequest,
        limit: Duration,
    ) -> PendingAnswer<Option<v1::Lease>> {
        let now = clock::now();
        let (after, reply) = (self.acquires)(&message, now);
        let number = {
            let mut record = self.record();
            record.acquires.push((now, message.clone()));
            record.acquires.len()
        };
        Box::pin(async move {
            in_time(after, reply, limit).await?;
            let mut record = self.record();
            let (permits, signals_version) = (message.permits.unwrap_or(1), record.signals.1);
            let lease = v1::Lease { permits, signals_version, ..lease() };
            record.granted += lease.permits;
            Ok(Some(v1::Lease { lease_id: format!("lease-{number}"), ..lease }))
        })
    }

    fn settle(
        self: Arc<Self>,
        message: BatchSettleLeasesRequest,
        limit: Duration,
    ) -> PendingAnswer<BatchSettleLeasesResponse> {
        let now = clock::now();
        let (after, reply) = (self.reports)(&message, now);
        Box::pin(async move {
            let outcome = match in_time(after, reply, limit).await? {
                Reply::Refusal(refusal) => Outcome::Refusal(refusal),
                _ => Outcome::Settled(Settled::default()),
            };
            let outcomes = vec![SettleOutcome { outcome: Some(outcome) }; message.requests.len()];
            self.record().batches.push((now, message.requests));
            Ok(BatchSettleLeasesResponse { outcomes })
        })
    }

    fn signals(
        self: Arc<Self>,
        _message: GetSignalsRequest,
        _limit: Duration,
    ) -> PendingAnswer<GetSignalsResponse> {
        let (signals, _, signals_version) = self.record().signals.clone();
        self.record().signals_calls += 1;
        Box::pin(async move { Ok(GetSignalsResponse { signals: Some(signals), signals_version }) })
    }
}

/// A lease of one permit for 10 s.
fn lease() -> v1::Lease {
    let valid_for = Some(prost_types::Duration { seconds: 10, nanos: 0 });
    let priority = v1::Priority::Default.into();
    v1::Lease { permits: 1, valid_for, priority, ..v1::Lease::default() }
}

/// A refusal as a status.
pub(super) fn refusal(reason: Reason, retry_after: Option<Duration>) -> Status {
    let name = reason.as_str_name().trim_start_matches("REASON_");
    let mut details = ErrorDetails::with_error_info(name, "apportion", []);
    details.set_retry_info(retry_after);
    Status::with_error_details(Code::ResourceExhausted, "no", details)
}

/// The status of a connection that broke.
pub(super) fn broken() -> Status {
    Status::unknown("transport error")
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// How long a future takes, and its result.
pub(super) async fn timed<T>(future: impl Future<Output = T>) -> (Duration, T) {
    let start = clock::now();
    let result = future.await;
    (clock::now().since(start), result)
}
