//! Reports of what leases were used for: gathered, and sent many at a time by one task, so that settling costs its caller nothing.

use crate::clock::{self, BootInstant};
use crate::quota::Wire;
use apportion_proto::v1::settle_outcome::Outcome;
use apportion_proto::v1::{BatchSettleLeasesRequest, Observation, SettleLeaseRequest, SettleOutcome};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most reports that wait to be sent; beyond it they are dropped, which spends what they would have returned.
const WAITING_MAX: usize = 100_000;
/// Most reports of one call: what the contract allows.
const BATCH_MAX: usize = 1_000;
/// How often a call is tried, and how long apart: unused permits are of use for seconds only.
const ATTEMPTS: u32 = 3;
const APART: Duration = Duration::from_millis(100);
/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a response said, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) observation: Observation,
    pub(crate) at: BootInstant,
}

/// What one lease was used for.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) request: SettleLeaseRequest,
    pub(crate) heard: Vec<Heard>,
}

enum Message {
    Report(Box<Report>),
    Flush(oneshot::Sender<()>),
}

/// The way to the task that sends reports.
#[derive(Clone, Debug)]
pub(crate) struct Settles(mpsc::Sender<Message>);

impl Settles {
    /// Starts the task.
    pub(crate) fn start(wire: Arc<Wire>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(wire, receiver));
        Self(sender)
    }

    pub(crate) fn report(&self, report: Report) {
        if self.0.try_send(Message::Report(Box::new(report))).is_err() {
            tracing::warn!("a report of a lease is dropped: too many wait, or the runtime is gone");
        }
    }

    /// Returns when everything that was reported before has been sent, or given up.
    pub(crate) async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.0.send(Message::Flush(done)).await.is_ok() {
            let _ = is_done.await;
        }
    }
}

async fn run(wire: Arc<Wire>, mut messages: mpsc::Receiver<Message>) {
    let mut gathered = Vec::new();
    while messages.recv_many(&mut gathered, BATCH_MAX).await > 0 {
        let (mut reports, mut flushed) = (Vec::new(), Vec::new());
        for message in gathered.drain(..) {
            match message {
                Message::Report(report) => reports.push(*report),
                Message::Flush(done) => flushed.push(done),
            }
        }
        if !reports.is_empty() {
            send(&wire, &reports).await;
        }
        flushed.into_iter().for_each(|done| {
            let _ = done.send(());
        });
    }
}

async fn send(wire: &Wire, reports: &[Report]) {
    let mut reports: Vec<&Report> = reports.iter().collect();
    for attempt in 1..=ATTEMPTS {
        let now = clock::now();
        let requests = reports.iter().map(|report| aged(report, now)).collect();
        match wire.batch(BatchSettleLeasesRequest { requests }, TIMEOUT).await {
            Ok(answer) => reports = refused(&reports, &answer.outcomes, attempt < ATTEMPTS),
            Err(status) if status.code() == tonic::Code::Unavailable && attempt < ATTEMPTS => {}
            Err(status) => {
                let (reports, error) = (reports.len(), status.message());
                tracing::warn!(reports, error, "reports of leases are given up");
                return;
            }
        }
        if reports.is_empty() {
            return;
        }
        tokio::time::sleep(APART).await;
    }
}

/// The reports that were refused for now only and may be sent again, if `again`; what became of the other refusals is logged.
fn refused<'a>(reports: &[&'a Report], outcomes: &[SettleOutcome], again: bool) -> Vec<&'a Report> {
    let mut for_now = Vec::new();
    for (report, outcome) in reports.iter().zip(outcomes) {
        let Some(Outcome::Refusal(refusal)) = &outcome.outcome else { continue };
        if again && refusal.retry_after.is_some() {
            for_now.push(*report);
            continue;
        }
        let (lease, reason) = (report.request.lease_id.as_str(), refusal.reason().as_str_name());
        tracing::warn!(lease, reason, message = refusal.message, "the report of a lease is refused");
    }
    for_now
}

/// A report as it is sent at `now`: what was heard says how long ago.
fn aged(report: &Report, now: BootInstant) -> SettleLeaseRequest {
    let heard = report.heard.iter().map(|heard| {
        let age = Duration::from_nanos(now.nanos().saturating_sub(heard.at.nanos()));
        Observation { age: prost_types::Duration::try_from(age).ok(), ..heard.observation.clone() }
    });
    SettleLeaseRequest { observations: heard.collect(), ..report.request.clone() }
}
