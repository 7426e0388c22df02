//! The client: what services create, acquire leases from, and close.

use crate::acquire::Acquirer;
use crate::clock;
use crate::config::{Config, ConfigError, Fallback};
use crate::error::AcquireError;
use crate::lease::Lease;
use crate::permit::Permit;
use crate::remote::RemoteService;
use crate::request::Request;
use crate::service::LeaseService;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long closing may take.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// What holds permits, and returns them when the client is closed.
pub(crate) trait PermitHolder: Debug + Send + Sync {
    fn close(&self);
}

/// A client of the quota service. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Quota(Arc<QuotaInner>);

#[derive(Debug)]
struct QuotaInner {
    acquirer: Acquirer,
    holders: Mutex<Vec<Weak<dyn PermitHolder>>>,
    is_closed: watch::Sender<bool>,
}

impl Quota {
    /// Creates a client. It connects at the first call, and again whenever a connection breaks.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration is invalid.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub fn connect(config: Config) -> Result<Self, ConfigError> {
        if let Fallback::Share { window: Duration::ZERO, .. } = config.fallback {
            return Err(ConfigError::Window);
        }
        let service = Arc::new(RemoteService::new(&config)?);
        Ok(Self::of_service(service, config))
    }

    pub(crate) fn of_service(service: Arc<dyn LeaseService>, config: Config) -> Self {
        Self(Arc::new(QuotaInner {
            acquirer: Acquirer::new(service, config),
            holders: Mutex::default(),
            is_closed: watch::Sender::new(false),
        }))
    }

    /// Requests a lease, and waits for it as long as the request allows.
    ///
    /// A failed attempt is retried with the same request id, so that it cannot be granted twice. If the call is dropped, the
    /// request is withdrawn, and a lease that is on its way is returned.
    ///
    /// # Errors
    /// [`AcquireError`] if the server refuses the request or cannot be reached in time, or if the client is closed.
    pub async fn acquire(&self, request: &Request) -> Result<Lease, AcquireError> {
        let _running = self.0.acquirer.background.entered();
        let mut is_closed = self.0.is_closed.subscribe();
        tokio::select! {
            biased;
            _ = is_closed.wait_for(|is_closed| *is_closed) => Err(AcquireError::Closed),
            result = self.0.acquirer.acquire(request) => result,
        }
    }

    /// Requests one permit, and waits for it as long as the request allows. Ignores the permits that `request` asks for.
    ///
    /// Makes a call for each permit. A [`Prefetch`](crate::Prefetch) needs fewer.
    ///
    /// # Errors
    /// [`AcquireError`] if the server refuses the request, cannot be reached in time, or every lease arrives after its end, or if
    /// the client is closed.
    pub async fn permit(&self, request: &Request) -> Result<Permit, AcquireError> {
        let start = clock::now();
        loop {
            let waited = clock::now().since(start);
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

    /// Closes the client: requests fail from now on, held permits are returned, and all reports are sent. Takes at most 2 seconds;
    /// what could not be sent by then is sent while the runtime runs.
    ///
    /// Leases and permits in use stay valid. They are reported when they are dropped, while the runtime runs.
    pub async fn close(&self) {
        self.0.is_closed.send_replace(true);
        let holders = std::mem::take(&mut *self.0.holders.lock().unwrap_or_else(PoisonError::into_inner));
        holders.iter().filter_map(Weak::upgrade).for_each(|holder| holder.close());
        let returned = async {
            self.0.acquirer.background.finished().await;
            self.0.acquirer.reports.flush().await;
        };
        if timeout(CLOSE_MAX, returned).await.is_err() {
            tracing::warn!("the client is closed, and some reports were not sent yet");
        }
        self.0.acquirer.disconnect();
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.0.is_closed.borrow()
    }

    /// Makes closing return what the holder holds.
    pub(crate) fn register(&self, holder: Weak<dyn PermitHolder>) {
        let mut holders = self.0.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(holder);
    }

    /// Whether a request is retried until the server is reachable, however long that takes.
    pub(crate) fn waits_for_server(&self) -> bool {
        self.0.acquirer.waits_for_server()
    }
}
