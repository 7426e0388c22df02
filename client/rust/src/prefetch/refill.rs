//! The task of a prefetch: sends one request at a time, and checks the held permits regularly.

use super::buffer::PrefetchBuffer;
use super::state::{CoveredCallers, RefillRequest};
use crate::clock::{self, BootInstant};
use crate::error::AcquireError;
use crate::lease::Lease;
use crate::quota::Quota;
use crate::request::Request;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How long a request stays in flight that no caller needs, because demand may come back.
const UNNEEDED: Duration = Duration::from_millis(50);

/// A request in flight.
struct InFlightRefill {
    result: Pin<Box<dyn Future<Output = Result<Lease, AcquireError>> + Send>>,
    callers: CoveredCallers,
    /// Since when no caller needs it.
    unneeded_since: Option<BootInstant>,
}

impl InFlightRefill {
    /// Returns itself, unless it has been unneeded for a while.
    fn unless_unneeded(mut self, now: BootInstant, is_needed: bool) -> Option<Self> {
        self.unneeded_since = if is_needed { None } else { self.unneeded_since.or(Some(now)) };
        self.unneeded_since.is_none_or(|since| now < since.after(UNNEEDED)).then_some(self)
    }
}

/// Runs until the buffer is closed.
///
/// A request that is no longer needed is withdrawn after a while.
pub(super) async fn run(buffer: Arc<PrefetchBuffer>, quota: Quota, request: Request) {
    let mut in_flight: Option<InFlightRefill> = None;
    loop {
        let check = buffer.check_after(clock::now(), in_flight.is_some());
        tokio::select! {
            (result, callers) = result_of(in_flight.as_mut()) => {
                in_flight = None;
                buffer.complete(clock::now(), result, callers);
            }
            () = buffer.wake.notified() => {}
            () = tokio::time::sleep(check.unwrap_or_default()), if check.is_some() => {}
        }
        let now = clock::now();
        let refill = buffer.refill(now);
        in_flight = match in_flight {
            Some(sent) => sent.unless_unneeded(now, buffer.needs_refill(now)),
            None => refill.map(|refill| send(&quota, &request, &refill)),
        };
        if in_flight.is_none() && buffer.is_closed() {
            return;
        }
    }
}

fn send(quota: &Quota, request: &Request, refill: &RefillRequest) -> InFlightRefill {
    let request = request.clone().permits(refill.permits).min_permits(1).max_wait(refill.max_wait);
    let quota = quota.clone();
    let result = Box::pin(async move { quota.acquire(&request).await });
    InFlightRefill { result, callers: refill.callers, unneeded_since: None }
}

async fn result_of(in_flight: Option<&mut InFlightRefill>) -> (Result<Lease, AcquireError>, CoveredCallers) {
    match in_flight {
        Some(sent) => (sent.result.as_mut().await, sent.callers),
        None => pending().await,
    }
}
