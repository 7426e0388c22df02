//! The client itself: asks for leases, again and again where that is of use, and falls back where it was told to.

use crate::backoff::Backoff;
use crate::clock::{self, BootInstant, lease_end};
use crate::config::{Config, ConfigError, Fallback};
use crate::error::{AcquireError, Meaning, meaning};
use crate::fallback::OwnShare;
use crate::held::Held;
use crate::lease::{Lease, Origin};
use crate::permit::Permit;
use crate::request::Request;
use crate::settle::Settles;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_proto::v1::{self, AcquireLeaseRequest, BatchSettleLeasesRequest, BatchSettleLeasesResponse};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tonic::Status;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often an idle connection is asked whether it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How much longer than it may wait a call may take: the way there and back.
const WAY: Duration = Duration::from_secs(1);

/// The connection, and what every call bears.
#[derive(Debug)]
pub(crate) struct Wire {
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
}

impl Wire {
    fn request<T>(&self, message: T, timeout: Duration) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.set_timeout(timeout);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }

    async fn acquire(
        &self,
        request: AcquireLeaseRequest,
        timeout: Duration,
    ) -> Result<Option<v1::Lease>, Status> {
        let request = self.request(request, timeout);
        let answer = QuotaServiceClient::new(self.channel.clone()).acquire_lease(request).await?;
        Ok(answer.into_inner().lease)
    }

    pub(crate) async fn batch(
        &self,
        request: BatchSettleLeasesRequest,
        timeout: Duration,
    ) -> Result<BatchSettleLeasesResponse, Status> {
        let request = self.request(request, timeout);
        let answer = QuotaServiceClient::new(self.channel.clone()).batch_settle_leases(request).await?;
        Ok(answer.into_inner())
    }
}

/// A client of the service. Clones share one connection.
#[derive(Clone, Debug)]
pub struct Quota(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wire: Arc<Wire>,
    settles: Settles,
    config: Config,
    share: Option<OwnShare>,
    /// Unlike in every other process: request ids begin with it.
    process: u64,
    requests: AtomicU64,
}

impl Quota {
    /// A client; it connects when it is first used, and again whenever the connection breaks. To be called inside a tokio
    /// runtime, on which it sends reports.
    ///
    /// # Errors
    /// [`ConfigError`] where the configuration cannot be used.
    pub fn connect(config: Config) -> Result<Self, ConfigError> {
        let token = config.token.as_deref().map(bearer).transpose()?;
        let wire = Arc::new(Wire { channel: channel(&config)?, token });
        let share = match config.fallback {
            Fallback::Share { window: Duration::ZERO, .. } => return Err(ConfigError::Window),
            Fallback::Share { permits, window } => Some(OwnShare::new(permits, window)),
            Fallback::Deny | Fallback::Wait => None,
        };
        let process = RandomState::new().hash_one(std::process::id());
        let settles = Settles::start(Arc::clone(&wire));
        Ok(Self(Arc::new(Inner { wire, settles, config, share, process, requests: AtomicU64::new(0) })))
    }

    /// Asks for a lease, and waits for it as long as the request allows.
    ///
    /// An attempt that was lost is repeated under the same request id, so that it cannot be granted twice.
    ///
    /// # Errors
    /// [`AcquireError`]: the service refused, or could not be reached in time.
    pub async fn acquire(&self, request: &Request) -> Result<Lease, AcquireError> {
        let start = clock::now();
        let mut backoff = Backoff::new();
        let mut request_id = self.request_id();
        loop {
            let waited = Duration::from_nanos(clock::now().nanos().saturating_sub(start.nanos()));
            let left = request.max_wait.saturating_sub(waited);
            let sent = clock::now();
            let answer = self.0.wire.acquire(self.message(request, left, &request_id), left + WAY).await;
            let away = match answer {
                Ok(lease) => return self.lease(lease, sent),
                Err(status) => match meaning(&status) {
                    Meaning::Refused(error) => return Err(error),
                    Meaning::Ended => {
                        request_id = self.request_id();
                        continue;
                    }
                    Meaning::Away(why, least) => (why, backoff.next(least)),
                },
            };
            let (why, wait) = away;
            if let Some(lease) = self.own(request)? {
                return Ok(lease);
            }
            let is_over = clock::now().nanos() + nanos(wait) >= start.after(request.max_wait).nanos();
            if is_over && self.0.config.fallback != Fallback::Wait {
                return Err(AcquireError::Unreachable(why));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Asks for one permit, and waits for it as long as the request allows; how many permits the request is for is of no
    /// account. Where permits are taken often, a [`crate::Prefetch`] spares the calls.
    ///
    /// # Errors
    /// [`AcquireError`]: the service refused, could not be reached in time, or its answers came too late to be of use.
    pub async fn permit(&self, request: &Request) -> Result<Permit, AcquireError> {
        let start = clock::now();
        loop {
            let waited = Duration::from_nanos(clock::now().nanos().saturating_sub(start.nanos()));
            let one = Request { permits: 1, least: None, ..request.clone() };
            let one = one.max_wait(request.max_wait.saturating_sub(waited));
            if let Some(permit) = Permit::of(self.acquire(&one).await?) {
                return Ok(permit);
            }
            if waited >= request.max_wait {
                return Err(AcquireError::NotInTime);
            }
        }
    }

    /// Whether it asks until the service is back, however long that takes.
    pub(crate) fn waits_for_service(&self) -> bool {
        self.0.config.fallback == Fallback::Wait
    }

    /// Sends every report that is not sent yet. Leases that are dropped later are reported all the same, as long as the
    /// runtime goes on.
    pub async fn close(&self) {
        self.0.settles.flush().await;
    }

    fn request_id(&self) -> String {
        format!("{:016x}-{:x}", self.0.process, self.0.requests.fetch_add(1, Ordering::Relaxed))
    }

    fn message(&self, request: &Request, left: Duration, request_id: &str) -> AcquireLeaseRequest {
        let Config { workspace, team, caller, .. } = &self.0.config;
        AcquireLeaseRequest {
            workspace: workspace.clone(),
            team: team.clone(),
            caller: caller.clone(),
            priority: request.priority.unwrap_or_default().into(),
            permits: Some(request.permits),
            min_permits: request.least,
            max_wait: prost_types::Duration::try_from(left).ok(),
            request_id: request_id.into(),
        }
    }

    fn lease(&self, lease: Option<v1::Lease>, sent: BootInstant) -> Result<Lease, AcquireError> {
        let lease = lease.ok_or(AcquireError::Absurd("an answer without a lease"))?;
        let span = |span: Option<prost_types::Duration>| span.map_or(Ok(Duration::ZERO), Duration::try_from);
        let (held, valid_for) = span(lease.held)
            .and_then(|held| Ok((held, span(lease.valid_for)?)))
            .map_err(|_| AcquireError::Absurd("a negative duration"))?;
        let end = lease_end(sent, held, valid_for);
        let Config { workspace, team, caller, .. } = self.0.config.clone();
        let settles = self.0.settles.clone();
        Ok(Lease {
            held: Held::new(lease.permits, end),
            priority: lease.priority(),
            contended: lease.contended,
            origin: Some(Origin { settles, workspace, team, caller, lease_id: lease.lease_id }),
            book: Mutex::default(),
        })
    }

    /// A lease of the client's own share, where it has one and some of it is left.
    fn own(&self, request: &Request) -> Result<Option<Lease>, AcquireError> {
        let Some(share) = &self.0.share else { return Ok(None) };
        let least = request.least.unwrap_or(request.permits);
        if !share.can_hold(least) {
            let retry_after = None;
            let message = "more than the client's own share is asked for".into();
            return Err(AcquireError::Refused { reason: v1::Reason::TooLarge, message, retry_after });
        }
        let taken = share.take(clock::now(), request.permits, least);
        Ok(taken.ok().map(|(permits, end)| Lease {
            held: Held::new(permits, end),
            priority: request.priority.unwrap_or_default(),
            contended: true,
            origin: None,
            book: Mutex::default(),
        }))
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 2)
}

fn bearer(secret: &str) -> Result<MetadataValue<Ascii>, ConfigError> {
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {secret}").parse().map_err(|_| ConfigError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn channel(config: &Config) -> Result<Channel, ConfigError> {
    let wrong =
        |why: tonic::transport::Error| ConfigError::Endpoint(config.endpoint.clone(), why.to_string());
    let endpoint = Endpoint::from_shared(config.endpoint.clone()).map_err(wrong)?;
    let scheme = endpoint.uri().scheme_str().unwrap_or_default().to_owned();
    if scheme != "http" && scheme != "https" {
        let why = "its scheme is neither http nor https".into();
        return Err(ConfigError::Endpoint(config.endpoint.clone(), why));
    }
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    let endpoint = if scheme == "https" { secure(endpoint, config)? } else { endpoint };
    Ok(endpoint.connect_lazy())
}

#[cfg(feature = "tls")]
fn secure(endpoint: Endpoint, config: &Config) -> Result<Endpoint, ConfigError> {
    use tonic::transport::{Certificate, ClientTlsConfig};
    let tls = match &config.certificate_authority {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new(),
    };
    endpoint.tls_config(tls).map_err(|why| ConfigError::Endpoint(config.endpoint.clone(), why.to_string()))
}

#[cfg(not(feature = "tls"))]
fn secure(_endpoint: Endpoint, _config: &Config) -> Result<Endpoint, ConfigError> {
    Err(ConfigError::NoTls)
}
