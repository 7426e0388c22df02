//! Reports of how leases were used: queued, and sent in batches by one task, so that settling never blocks its caller.

use crate::channel::ServiceChannel;
use crate::clock::{self, BootInstant};
use apportion_proto::v1::settle_outcome::Outcome;
use apportion_proto::v1::{BatchSettleLeasesRequest, Observation, SettleLeaseRequest, SettleOutcome};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The most reports that wait to be sent. Further reports are dropped, and the permits that they return are spent.
const QUEUE_MAX: usize = 100_000;
/// The most reports of one call, as the API allows.
const BATCH_MAX: usize = 1_000;
/// How often a batch is sent before it is dropped. Returned permits are useful for seconds only.
const ATTEMPTS: u32 = 3;
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An observation, and when its response was received.
#[derive(Clone, Debug)]
pub(crate) struct TimedObservation {
    pub(crate) observation: Observation,
    pub(crate) received_at: BootInstant,
}

/// A report of how one lease was used. The observations are added to the request when it is sent, with their age.
#[derive(Debug)]
pub(crate) struct LeaseReport {
    pub(crate) request: SettleLeaseRequest,
    pub(crate) observations: Vec<TimedObservation>,
}

enum ReportMessage {
    Report(Box<LeaseReport>),
    Flush(oneshot::Sender<()>),
}

/// The queue of the task that sends reports. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ReportSender(mpsc::Sender<ReportMessage>);

impl ReportSender {
    /// Spawns the task on the current tokio runtime.
    pub(crate) fn spawn(channel: Arc<ServiceChannel>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(channel, receiver));
        Self(sender)
    }

    /// Queues a report. Drops it with a warning if the queue is full.
    pub(crate) fn report(&self, report: LeaseReport) {
        if self.0.try_send(ReportMessage::Report(Box::new(report))).is_err() {
            tracing::warn!("a lease report is dropped: the queue is full or the runtime has stopped");
        }
    }

    /// Waits until every report queued before is sent or dropped.
    pub(crate) async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.0.send(ReportMessage::Flush(done)).await.is_ok() {
            let _ = is_done.await;
        }
    }
}

async fn run(channel: Arc<ServiceChannel>, mut queue: mpsc::Receiver<ReportMessage>) {
    let mut received = Vec::new();
    while queue.recv_many(&mut received, BATCH_MAX).await > 0 {
        let (mut reports, mut flushed) = (Vec::new(), Vec::new());
        for message in received.drain(..) {
            match message {
                ReportMessage::Report(report) => reports.push(*report),
                ReportMessage::Flush(done) => flushed.push(done),
            }
        }
        if !reports.is_empty() {
            send(&channel, &reports).await;
        }
        flushed.into_iter().for_each(|done| {
            let _ = done.send(());
        });
    }
}

async fn send(channel: &ServiceChannel, reports: &[LeaseReport]) {
    let mut reports: Vec<&LeaseReport> = reports.iter().collect();
    for attempt in 1..=ATTEMPTS {
        let now = clock::now();
        let requests = reports.iter().map(|report| request_at(now, report)).collect();
        match channel.settle(BatchSettleLeasesRequest { requests }, TIMEOUT).await {
            Ok(response) => reports = retryable(&reports, &response.outcomes, attempt < ATTEMPTS),
            Err(status) if status.code() == tonic::Code::Unavailable && attempt < ATTEMPTS => {}
            Err(status) => {
                let (reports, error) = (reports.len(), status.message());
                tracing::warn!(reports, error, "lease reports are dropped: the call failed");
                return;
            }
        }
        if reports.is_empty() {
            return;
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Returns the reports whose refusal allows a retry, if `can_retry`. Logs all other refusals.
fn retryable<'a>(
    reports: &[&'a LeaseReport],
    outcomes: &[SettleOutcome],
    can_retry: bool,
) -> Vec<&'a LeaseReport> {
    let mut retryable = Vec::new();
    for (report, outcome) in reports.iter().zip(outcomes) {
        let Some(Outcome::Refusal(refusal)) = &outcome.outcome else { continue };
        if can_retry && refusal.retry_after.is_some() {
            retryable.push(*report);
            continue;
        }
        let (lease, reason) = (report.request.lease_id.as_str(), refusal.reason().as_str_name());
        tracing::warn!(lease, reason, message = refusal.message, "a lease report is refused");
    }
    retryable
}

/// The request of a report that is sent at `now`, with the age of each observation.
fn request_at(now: BootInstant, report: &LeaseReport) -> SettleLeaseRequest {
    let observations = report.observations.iter().map(|observed| {
        let age = Duration::from_nanos(now.nanos().saturating_sub(observed.received_at.nanos()));
        Observation { age: prost_types::Duration::try_from(age).ok(), ..observed.observation.clone() }
    });
    SettleLeaseRequest { observations: observations.collect(), ..report.request.clone() }
}
