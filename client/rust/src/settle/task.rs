//! The task that sends reports, and the handle that leases report to.

use super::outcome::unsettled;
use super::pending::{PendingReports, ReportBatch};
use super::report::{LeaseReport, Urgency};
use crate::clock;
use crate::service::{CallError, CallFailure, LeaseService};
use apportion_proto::v1::BatchSettleLeasesRequest;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tonic::Code;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where leases report to. Clones share it. The task ends when the last clone is dropped and nothing waits.
#[derive(Clone, Debug)]
pub(crate) struct ReportSender(Arc<SenderHandle>);

#[derive(Debug)]
struct SenderHandle(Arc<ReportQueue>);

#[derive(Debug)]
struct ReportQueue {
    pending: Mutex<PendingReports>,
    wake: Notify,
    /// Whether nothing waits and no call is in flight.
    is_idle: watch::Sender<bool>,
    is_closed: AtomicBool,
}

impl ReportSender {
    /// Spawns the task on the current tokio runtime.
    pub(crate) fn spawn(service: Arc<dyn LeaseService>) -> Self {
        let queue = Arc::new(ReportQueue {
            pending: Mutex::new(PendingReports::new()),
            wake: Notify::new(),
            is_idle: watch::Sender::new(true),
            is_closed: AtomicBool::new(false),
        });
        tokio::spawn(run(service, Arc::clone(&queue)));
        Self(Arc::new(SenderHandle(queue)))
    }

    /// Adds a report. Drops it with a warning if too many wait.
    pub(crate) fn report(&self, report: LeaseReport, urgency: Urgency) {
        let queue = &self.0.0;
        let mut pending = queue.pending();
        // Under the lock, so that the task does not take it for idle meanwhile.
        queue.is_idle.send_replace(false);
        let is_added = pending.add(clock::now(), report, urgency);
        drop(pending);
        queue.wake.notify_one();
        if !is_added {
            tracing::warn!("a lease report is dropped: too many are waiting");
        }
    }

    /// Sends everything at once, and waits until nothing is left to send.
    pub(crate) async fn flush(&self) {
        let queue = &self.0.0;
        queue.pending().flush(clock::now());
        queue.wake.notify_one();
        let _ = queue.is_idle.subscribe().wait_for(|is_idle| *is_idle).await;
    }
}

impl Drop for SenderHandle {
    fn drop(&mut self) {
        self.0.is_closed.store(true, Ordering::Release);
        self.0.pending().flush(clock::now());
        self.0.wake.notify_one();
    }
}

impl ReportQueue {
    fn pending(&self) -> MutexGuard<'_, PendingReports> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that no call is in flight. Returns whether the task is done.
    fn rest(&self) -> bool {
        // Under the lock, so that a report that is added now is not overlooked.
        let pending = self.pending();
        if pending.is_empty() {
            self.is_idle.send_if_modified(|is_idle| !std::mem::replace(is_idle, true));
        }
        pending.is_empty() && self.is_closed.load(Ordering::Acquire)
    }
}

async fn run(service: Arc<dyn LeaseService>, queue: Arc<ReportQueue>) {
    loop {
        let due_at = queue.pending().due_at();
        let now = clock::now();
        match due_at {
            Some(due_at) if due_at <= now => {
                let batch = queue.pending().take(now);
                if let Some(batch) = batch {
                    send(&service, &queue, batch).await;
                }
                if queue.rest() {
                    return;
                }
            }
            Some(due_at) => {
                let _ = tokio::time::timeout(due_at.since(now), queue.wake.notified()).await;
            }
            None => {
                if queue.rest() {
                    return;
                }
                queue.wake.notified().await;
            }
        }
    }
}

async fn send(service: &Arc<dyn LeaseService>, queue: &ReportQueue, mut batch: ReportBatch) {
    let requests = std::mem::take(&mut batch.requests);
    let sent = requests.len();
    match Arc::clone(service).settle(BatchSettleLeasesRequest { requests }, TIMEOUT).await {
        Ok(response) => {
            let unsettled = unsettled(batch, response.outcomes);
            let (now, mut pending) = (clock::now(), queue.pending());
            pending.answered();
            if !unsettled.reports.is_empty() {
                pending.pause(now, unsettled.retry_after.unwrap_or_default());
                pending.put_back(now, unsettled.reports);
            }
        }
        Err(error) => failed(queue, batch, sent, error),
    }
}

/// Keeps the reports of a failed call as long as they are of use, unless the server will never accept them.
fn failed(queue: &ReportQueue, batch: ReportBatch, sent: usize, error: CallError) {
    let (code, message) = (error.status.code(), error.status.message().to_owned());
    let reports: Vec<_> = batch.reports.into_iter().map(|(report, _)| report).collect();
    let (now, mut pending) = (clock::now(), queue.pending());
    let given_up = match CallFailure::from(error.status) {
        CallFailure::Unavailable(_, min_delay) => {
            if !error.is_rerouted {
                pending.pause(now, min_delay);
            }
            pending.put_back(now, reports)
        }
        CallFailure::Refused(refusal) => {
            let retry_after = refusal.retry_after();
            pending.pause(now, retry_after.unwrap_or_default());
            // A token may be replaced, and fewer requests may fit into what the server accepts.
            let is_too_much =
                matches!(code, Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted);
            let may_help = retry_after.is_some()
                || code == Code::Unauthenticated
                || (is_too_much && pending.refused(sent));
            if may_help { pending.put_back(now, reports) } else { reports.len() }
        }
        CallFailure::LeaseEnded => reports.len(),
    };
    drop(pending);
    if given_up > 0 {
        tracing::warn!(reports = given_up, error = message, "lease reports are dropped: the call failed");
    }
}
