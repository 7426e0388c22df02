//! One request for a lease: its attempts, and what happens while the server is unreachable.

use crate::attempts::{Attempt, Attempts};
use crate::background::Background;
use crate::clock;
use crate::config::{Config, Fallback};
use crate::error::AcquireError;
use crate::fallback::LocalShare;
use crate::interpreter::Interpreter;
use crate::lease::Lease;
use crate::request::Request;
use crate::service::{CallError, CallFailure, LeaseService};
use crate::settle::ReportSender;
use crate::signals_source::SignalsSource;
use crate::slots::AcquireSlots;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

/// Acquires leases, and knows whether the server was reachable.
#[derive(Debug)]
pub(crate) struct Acquirer {
    pub(crate) config: Arc<Config>,
    pub(crate) reports: ReportSender,
    pub(crate) background: Background,
    service: Arc<dyn LeaseService>,
    signals: Arc<SignalsSource>,
    local_share: Option<Arc<LocalShare>>,
    slots: AcquireSlots,
    /// Whether a request has ended without an answer, and none was answered since.
    is_outage: AtomicBool,
    /// Whether the last attempt of any request had no answer.
    is_failing: AtomicBool,
    /// A random number that starts the request ids of this client.
    client: u64,
    requests: AtomicU64,
}

/// Why an attempt brought no lease, and whether the next one goes elsewhere.
struct FailedAttempt {
    failure: CallFailure,
    is_rerouted: bool,
}

/// What comes after an attempt: the end of the request, or another attempt after a delay.
type NextStep = ControlFlow<Result<Lease, AcquireError>, Duration>;

impl Acquirer {
    pub(crate) fn new(service: Arc<dyn LeaseService>, config: Config) -> Self {
        let local_share = match config.fallback {
            Fallback::Share { permits, window } => Some(LocalShare::new(permits, window)),
            Fallback::Deny | Fallback::Wait => None,
        };
        let interpreter = Arc::new(Interpreter::new(config.interpreter.clone()));
        Self {
            signals: SignalsSource::new(Arc::clone(&service), interpreter, config.workspace.clone()),
            config: Arc::new(config),
            reports: ReportSender::new(Arc::clone(&service)),
            background: Background::new(),
            service,
            local_share,
            slots: AcquireSlots::new(),
            is_outage: AtomicBool::new(false),
            is_failing: AtomicBool::new(false),
            client: RandomState::new().hash_one(std::process::id()),
            requests: AtomicU64::new(0),
        }
    }

    /// Whether a request is repeated until the server is reachable, however long that takes.
    pub(crate) fn waits_for_server(&self) -> bool {
        self.config.fallback == Fallback::Wait
    }

    /// Closes connections that no call uses. A later call connects again.
    pub(crate) fn disconnect(&self) {
        self.service.disconnect();
    }

    pub(crate) async fn acquire(&self, request: &Request) -> Result<Lease, AcquireError> {
        let mut attempts = Attempts::new(clock::now(), request.max_wait);
        let mut request_id = self.request_id();
        loop {
            let slot = self.slot(request, &mut attempts).await;
            let is_probe = self.local_share.is_some() && self.is_outage.load(Ordering::Relaxed);
            let attempt = attempts.next(clock::now(), is_probe);
            let result = match slot {
                Some(slot) if attempt.timeout > Duration::ZERO => {
                    self.attempt(request, &request_id, attempt, slot).await
                }
                // Others of this client wait at the server, unless it is unreachable.
                _ if self.is_unreachable() => Err(FailedAttempt::unsent()),
                _ => return Err(AcquireError::TimedOut),
            };
            let step = match result {
                Err(FailedAttempt { failure: CallFailure::Unavailable(why, min), is_rerouted }) => {
                    self.is_failing.store(true, Ordering::Relaxed);
                    let delay = attempts.delay(clock::now(), min, is_rerouted);
                    self.unavailable(request, &mut attempts, why, delay).await
                }
                answered => {
                    self.is_outage.store(false, Ordering::Relaxed);
                    self.is_failing.store(false, Ordering::Relaxed);
                    self.answered(answered, &mut attempts, &mut request_id, is_probe)
                }
            };
            match step {
                ControlFlow::Break(result) => return result,
                ControlFlow::Continue(delay) => sleep(delay).await,
            }
        }
    }

    /// Whether the server is known not to answer. Requests that all end now may not have noted it as an outage yet.
    fn is_unreachable(&self) -> bool {
        self.is_outage.load(Ordering::Relaxed) || self.is_failing.load(Ordering::Relaxed)
    }

    fn answered(
        &self,
        answer: Result<Lease, FailedAttempt>,
        attempts: &mut Attempts,
        request_id: &mut String,
        is_probe: bool,
    ) -> NextStep {
        let is_rerouted = answer.as_ref().is_err_and(|failed| failed.is_rerouted);
        match answer.map_err(|failed| failed.failure) {
            // The server is back, and the request may wait there for longer than the probe did.
            Err(CallFailure::Refused(_)) if is_probe => NextStep::Continue(Duration::ZERO),
            // Another token was read since.
            Err(CallFailure::Refused(_)) if is_rerouted => {
                NextStep::Continue(attempts.delay(clock::now(), Duration::ZERO, true))
            }
            Err(CallFailure::Refused(error)) => NextStep::Break(Err(error)),
            Err(CallFailure::LeaseEnded | CallFailure::Unavailable(..)) => {
                *request_id = self.request_id();
                let delay = attempts.delay(clock::now(), Duration::ZERO, true);
                if attempts.is_over_after(clock::now(), delay) {
                    return NextStep::Break(Err(AcquireError::TimedOut));
                }
                NextStep::Continue(delay)
            }
            Ok(lease) => NextStep::Break(Ok(lease)),
        }
    }

    /// Falls back, if the request is over or the server was unreachable before.
    async fn unavailable(
        &self,
        request: &Request,
        attempts: &mut Attempts,
        why: String,
        delay: Duration,
    ) -> NextStep {
        let now = clock::now();
        let is_over = attempts.is_over_after(now, delay);
        if is_over && self.waits_for_server() {
            attempts.restart(now.after(delay));
            return NextStep::Continue(delay);
        }
        let Some(share) = &self.local_share else {
            if is_over {
                self.is_outage.store(true, Ordering::Relaxed);
                return NextStep::Break(Err(AcquireError::Unreachable(why)));
            }
            return NextStep::Continue(delay);
        };
        if is_over && !self.is_outage.load(Ordering::Relaxed) {
            sleep(attempts.end().since(now)).await;
            self.is_outage.store(true, Ordering::Relaxed);
        }
        if self.is_outage.load(Ordering::Relaxed) {
            let min = request.min_permits.unwrap_or(request.permits);
            if let Some(grant) = share.take(clock::now(), request.permits, min) {
                let interpreter = Arc::clone(&self.signals.interpreter);
                let lease = Lease::of_share(grant, request.priority.unwrap_or_default(), interpreter);
                return NextStep::Break(Ok(lease));
            }
        }
        if is_over {
            let why = format!("{why}; too little of the local share is left");
            return NextStep::Break(Err(AcquireError::Unreachable(why)));
        }
        NextStep::Continue(delay)
    }

    /// Waits for a slot until the request ends.
    async fn slot(&self, request: &Request, attempts: &mut Attempts) -> Option<OwnedSemaphorePermit> {
        let slot = self.slots.enter(request.priority.unwrap_or_default());
        if self.waits_for_server() {
            let slot = slot.await;
            if clock::now() >= attempts.end() {
                attempts.restart(clock::now());
            }
            return slot;
        }
        timeout(attempts.end().since(clock::now()), slot).await.ok().flatten()
    }

    /// Makes one call. It goes on for a while if this future is dropped, so that a lease on its way is returned.
    async fn attempt(
        &self,
        request: &Request,
        request_id: &str,
        attempt: Attempt,
        slot: OwnedSemaphorePermit,
    ) -> Result<Lease, FailedAttempt> {
        let sent = clock::now();
        let message = request.message(&self.config, attempt.wait, request_id);
        let call = Arc::clone(&self.service).acquire(message, attempt.timeout);
        let (reports, config, signals) =
            (self.reports.clone(), Arc::clone(&self.config), Arc::clone(&self.signals));
        let call = async move {
            let lease = call.await?.ok_or(AcquireError::InvalidResponse("the response contains no lease"))?;
            signals.seen(lease.signals_version);
            let interpreter = Arc::clone(&signals.interpreter);
            Lease::granted(lease, sent, reports, config, interpreter).map_err(FailedAttempt::from)
        };
        self.background.finish(call, slot).await
    }

    fn request_id(&self) -> String {
        format!("{:016x}-{:x}", self.client, self.requests.fetch_add(1, Ordering::Relaxed))
    }
}

impl FailedAttempt {
    fn unsent() -> Self {
        let why = "it did not answer the requests before this one".into();
        Self { failure: CallFailure::Unavailable(why, Duration::ZERO), is_rerouted: false }
    }
}

impl From<CallError> for FailedAttempt {
    fn from(error: CallError) -> Self {
        Self { failure: CallFailure::from(error.status), is_rerouted: error.is_rerouted }
    }
}

impl From<AcquireError> for FailedAttempt {
    fn from(error: AcquireError) -> Self {
        Self { failure: CallFailure::Refused(error), is_rerouted: false }
    }
}
