//! The client: acquires leases, with retries and the configured fallback.

use crate::backoff::Backoff;
use crate::channel::ServiceChannel;
use crate::clock::{self, BootInstant};
use crate::config::{Config, ConfigError, Fallback};
use crate::error::{AcquireError, CallFailure};
use crate::fallback::LocalShare;
use crate::lease::Lease;
use crate::permit::Permit;
use crate::request::Request;
use crate::settle::ReportSender;
use apportion_proto::v1::Reason;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much longer than its wait on the server a call may take, for the way there and back.
const CALL_MARGIN: Duration = Duration::from_secs(1);

/// A client of the quota service. Clones share one connection.
#[derive(Clone, Debug)]
pub struct Quota(Arc<QuotaInner>);

#[derive(Debug)]
struct QuotaInner {
    channel: Arc<ServiceChannel>,
    reports: ReportSender,
    config: Arc<Config>,
    local_share: Option<LocalShare>,
    /// A random number that starts the request ids of this process.
    process: u64,
    requests: AtomicU64,
}

impl Quota {
    /// Creates a client. It connects at the first call, and again whenever the connection breaks.
    ///
    /// Spawns a task that sends reports.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration is invalid.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub fn connect(config: Config) -> Result<Self, ConfigError> {
        let channel = Arc::new(ServiceChannel::new(&config)?);
        let local_share = match config.fallback {
            Fallback::Share { window: Duration::ZERO, .. } => return Err(ConfigError::Window),
            Fallback::Share { permits, window } => Some(LocalShare::new(permits, window)),
            Fallback::Deny | Fallback::Wait => None,
        };
        let reports = ReportSender::spawn(Arc::clone(&channel));
        Ok(Self(Arc::new(QuotaInner {
            channel,
            reports,
            config: Arc::new(config),
            local_share,
            process: RandomState::new().hash_one(std::process::id()),
            requests: AtomicU64::new(0),
        })))
    }

    /// Requests a lease, and waits for it as long as the request allows.
    ///
    /// A failed attempt is retried with the same request id, so that it cannot be granted twice.
    ///
    /// # Errors
    /// [`AcquireError`] if the server refuses the request or cannot be reached in time.
    pub async fn acquire(&self, request: &Request) -> Result<Lease, AcquireError> {
        let start = clock::now();
        let mut backoff = Backoff::new();
        let mut request_id = self.request_id();
        loop {
            let remaining = request.max_wait.saturating_sub(since(start));
            let sent = clock::now();
            let message = request.message(&self.0.config, remaining, &request_id);
            let (error, delay) = match self.0.channel.acquire(message, remaining + CALL_MARGIN).await {
                Ok(lease) => {
                    let lease =
                        lease.ok_or(AcquireError::InvalidResponse("the response contains no lease"))?;
                    let (reports, config) = (self.0.reports.clone(), Arc::clone(&self.0.config));
                    return Lease::granted(lease, sent, reports, config);
                }
                Err(status) => match CallFailure::from(status) {
                    CallFailure::Refused(error) => return Err(error),
                    CallFailure::LeaseEnded => {
                        request_id = self.request_id();
                        continue;
                    }
                    CallFailure::Unavailable(error, min_delay) => (error, backoff.next(min_delay)),
                },
            };
            if let Some(lease) = self.acquire_locally(request)? {
                return Ok(lease);
            }
            let is_late = clock::now().nanos() + nanos(delay) >= start.after(request.max_wait).nanos();
            if is_late && !self.waits_for_server() {
                return Err(AcquireError::Unreachable(error));
            }
            tokio::time::sleep(delay).await;
        }
    }

    /// Requests one permit, and waits for it as long as the request allows. Ignores the permits that `request` asks for.
    ///
    /// Makes a call for each permit. A [`Prefetch`](crate::Prefetch) needs fewer.
    ///
    /// # Errors
    /// [`AcquireError`] if the server refuses the request, cannot be reached in time, or every lease arrives after its end.
    pub async fn permit(&self, request: &Request) -> Result<Permit, AcquireError> {
        let start = clock::now();
        loop {
            let waited = since(start);
            let one = Request { permits: 1, min_permits: None, ..request.clone() };
            let one = one.max_wait(request.max_wait.saturating_sub(waited));
            if let Some(permit) = Permit::only(self.acquire(&one).await?) {
                return Ok(permit);
            }
            if waited >= request.max_wait {
                return Err(AcquireError::TimedOut);
            }
        }
    }

    /// Whether a request is retried until the server is reachable, however long that takes.
    pub(crate) fn waits_for_server(&self) -> bool {
        self.0.config.fallback == Fallback::Wait
    }

    /// Waits until all reports so far are sent. Call it before the runtime shuts down.
    ///
    /// The client stays usable. Leases that are dropped later are reported as long as the runtime runs.
    pub async fn close(&self) {
        self.0.reports.flush().await;
    }

    fn request_id(&self) -> String {
        format!("{:016x}-{:x}", self.0.process, self.0.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Grants a lease from the local share, if there is one and enough of it is left.
    fn acquire_locally(&self, request: &Request) -> Result<Option<Lease>, AcquireError> {
        let Some(share) = &self.0.local_share else { return Ok(None) };
        let min = request.min_permits.unwrap_or(request.permits);
        if !share.can_hold(min) {
            let message = "the request exceeds the local share of the client".into();
            return Err(AcquireError::Refused { reason: Reason::TooLarge, message, retry_after: None });
        }
        let taken = share.take(clock::now(), request.permits, min);
        let priority = request.priority.unwrap_or_default();
        Ok(taken.ok().map(|(permits, end)| Lease::local(permits, end, priority, true)))
    }
}

fn since(start: BootInstant) -> Duration {
    Duration::from_nanos(clock::now().nanos().saturating_sub(start.nanos()))
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 2)
}
