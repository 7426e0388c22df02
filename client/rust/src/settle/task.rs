//! The task that sends reports, which runs while there are some, and the handle that leases report to.

use super::outcome::unsettled;
use super::pending::{PendingReports, ReportBatch};
use super::report::{LeaseReport, Urgency};
use crate::clock;
use crate::service::{CallError, CallFailure, LeaseService};
use apportion_proto::v1::BatchSettleLeasesRequest;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tonic::Code;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where leases report to. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ReportSender(Arc<SenderHandle>);

#[derive(Debug)]
struct SenderHandle(Arc<ReportQueue>);

#[derive(Debug)]
struct ReportQueue {
    service: Arc<dyn LeaseService>,
    runtime: Handle,
    pending: Mutex<PendingReports>,
    wake: Notify,
    /// Whether nothing waits and no call is in flight. Then there is no task. Changes under the lock of `pending`.
    is_idle: watch::Sender<bool>,
}

impl ReportSender {
    /// Creates a sender whose task runs on the current tokio runtime.
    ///
    /// # Panics
    /// If called outside of one.
    pub(crate) fn new(service: Arc<dyn LeaseService>) -> Self {
        Self(Arc::new(SenderHandle(Arc::new(ReportQueue {
            service,
            runtime: Handle::current(),
            pending: Mutex::new(PendingReports::new()),
            wake: Notify::new(),
            is_idle: watch::Sender::new(true),
        }))))
    }

    /// Adds a report. Drops it with a warning if too many wait.
    pub(crate) fn report(&self, report: LeaseReport, urgency: Urgency) {
        let queue = &self.0.0;
        let mut pending = queue.pending();
        let is_added = pending.add(clock::now(), report, urgency);
        if queue.is_idle.send_replace(false) {
            queue.runtime.spawn(run(Arc::clone(queue)));
        }
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
        self.0.pending().flush(clock::now());
        self.0.wake.notify_one();
    }
}

impl ReportQueue {
    fn pending(&self) -> MutexGuard<'_, PendingReports> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that no call is in flight. Returns whether the task is done: the next report starts another one.
    fn rest(&self) -> bool {
        let pending = self.pending();
        let is_done = pending.is_empty();
        if is_done {
            self.is_idle.send_replace(true);
        }
        is_done
    }
}

async fn run(queue: Arc<ReportQueue>) {
    loop {
        let due_at = queue.pending().due_at();
        let now = clock::now();
        match due_at {
            Some(due_at) if due_at <= now => {
                let batch = queue.pending().take(now);
                if let Some(batch) = batch {
                    send(&queue, batch).await;
                }
                if queue.rest() {
                    return;
                }
            }
            Some(due_at) => {
                let _ = tokio::time::timeout(due_at.since(now), queue.wake.notified()).await;
            }
            None if queue.rest() => return,
            None => {}
        }
    }
}

async fn send(queue: &ReportQueue, mut batch: ReportBatch) {
    let requests = std::mem::take(&mut batch.requests);
    let sent = requests.len();
    match Arc::clone(&queue.service).settle(BatchSettleLeasesRequest { requests }, TIMEOUT).await {
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
