//! Runs the server: opens the store, starts the engine, listens, and stops in good order.

mod call;
mod connection;
mod driven;
mod listen;
mod modes;
mod services;
mod start;
mod stop;

mod tls;

#[cfg(test)]
mod tests;

use crate::clock::{Clock, Machine, Source};
use crate::config::{Exposed, Settings, check_exposure};
use crate::engine::{Engine, StartError};
use crate::service::admin::{Admin, Policies};
use crate::service::certificates::Bindings;
use crate::service::gate::Gate;
use crate::service::http;
use crate::service::quota::{Quota, StreamBounds};
use crate::store::catalog::{Catalog, CatalogError};
use crate::store::{self, OpenedStore, StoreError};
use apportion_core::ledger::Horizon;
use apportion_proto::v1::admin_service_server::AdminServiceServer;
use apportion_proto::v1::quota_service_server::QuotaServiceServer;
use listen::{Listener, Served};
use services::Services;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::Certificates;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Strangers could reach it.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in the store cannot be used.
    #[error("the store: {0}")]
    Catalog(#[from] CatalogError),
    /// A workspace in the store does not hold.
    #[error("the store: workspace {workspace}: {why}")]
    Stored {
        /// The workspace.
        workspace: String,
        /// What is wrong.
        why: String,
    },
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] StartError),
    /// An address cannot be listened on.
    #[error("{what}: {address} cannot be listened on: {error}")]
    Listen {
        /// Which setting.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// TLS cannot be served with the files that are set.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// Reflection cannot be served.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A thread or task that every workspace depends on has panicked.
    #[error(
        "{0} failed, so nothing more can be granted; start it again: it goes on from what is in the store"
    )]
    Failed(&'static str),
    /// No runtime, no signals.
    #[error("the process: {0}")]
    Process(#[from] std::io::Error),
}

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is served.
    pub address: SocketAddr,
    /// Where metrics and health are served.
    pub http_address: SocketAddr,
    /// Whether callers must say who they are.
    pub authenticates: bool,
    /// Whether the store was created by this start.
    pub is_new: bool,
    engine: Arc<Engine>,
    grpc: tokio::task::JoinHandle<()>,
    http: tokio::task::JoinHandle<()>,
    health: tonic_health::server::HealthReporter,
    halt: CancellationToken,
    drain: Duration,
    signals: stop::Signals,
}

impl Running {
    /// Starts to serve, by the clocks of the machine.
    ///
    /// # Errors
    /// [`ServeError`]; nothing runs then.
    pub async fn start(settings: &Settings) -> Result<Self, ServeError> {
        Self::start_by(Box::new(Machine), settings).await
    }

    /// Starts to serve by other clocks.
    ///
    /// # Errors
    /// [`ServeError`]; nothing runs then.
    pub async fn start_by(clocks: Box<dyn Source>, settings: &Settings) -> Result<Self, ServeError> {
        // Before anybody can know that it runs: a signal that came sooner would end it without an answer to those who wait.
        let signals = stop::Signals::new()?;
        let listener = bind("listen", settings.listen).await?;
        let http_listener = bind("http_listen", settings.http_listen).await?;
        let Opened { store: OpenedStore { store, is_new, file: path, .. }, engine, gate, policies } =
            open(clocks, settings)?;
        let authenticates = gate.is_closed();
        let certificates = settings.tls.clone().map(Certificates::read).transpose()?;
        let (address, http_address) = (listener.local_addr()?, http_listener.local_addr()?);
        let halt = CancellationToken::new();
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<QuotaServiceServer<Quota>>().await;
        health.set_serving::<AdminServiceServer<Admin>>().await;
        let limits = settings.limits;
        let bounds = StreamBounds {
            in_flight: limits.exchange_in_flight as usize,
            watchers: limits.watchers as usize,
        };
        let quota = Quota::new(Arc::clone(&engine), Arc::clone(&gate), bounds);
        let bytes = limits.message_bytes as usize;
        let admin = AdminServiceServer::new(Admin::new(policies, store));
        let others = Routes::new(health_service)
            .add_service(reflection()?.build_v1()?)
            .add_service(reflection()?.build_v1alpha()?)
            .add_service(admin.max_decoding_message_size(bytes))
            .prepare();
        let quota = QuotaServiceServer::new(quota).max_decoding_message_size(bytes);
        let services = Services { quota, others };
        let served = Served { services, limits, certificates, gate: Arc::clone(&gate), halt: halt.clone() };
        let grpc = tokio::spawn(Listener::new(listener, served).serve());
        let http = tokio::spawn(http::serve(http_listener, Arc::clone(&engine), gate));
        let drain = Duration::from_secs(settings.drain_seconds.into());
        // What does not start has one thing to say.
        if is_new {
            tracing::warn!("{} is a new store: nothing is in it but the workspace `default`", path.display());
        }
        modes::warn(settings, &path);
        Ok(Self {
            address,
            http_address,
            authenticates,
            is_new,
            engine,
            grpc,
            http,
            health,
            halt,
            drain,
            signals,
        })
    }
}

/// What the services of a server stand on.
struct Opened {
    store: OpenedStore,
    engine: Arc<Engine>,
    gate: Arc<Gate>,
    policies: Arc<Policies>,
}

/// Opens the store, and starts the engine with what is in it.
fn open(clocks: Box<dyn Source>, settings: &Settings) -> Result<Opened, ServeError> {
    let opened = store::open(&settings.data_dir)?;
    let catalog = Catalog::new(Arc::clone(&opened.store), settings.audit_entries.into());
    start::first(&catalog)?;
    let tokens = start::tokens(&catalog)?;
    if settings.admin_token.is_some() {
        catalog.close()?;
    }
    let is_closed = !tokens.is_empty() || catalog.is_closed()?;
    check_exposure(settings, is_closed)?;
    let clients = settings.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    let gate = clients.map_or_else(Gate::open, |clients| Gate::certified(Bindings::new(&clients.bindings)));
    let gate = Arc::new(gate);
    if is_closed {
        gate.close();
    }
    tokens.iter().for_each(|token| gate.admit(token));
    if let Some(secret) = &settings.admin_token {
        gate.admit(&start::admin(secret.expose()));
    }
    let clock = Arc::new(Clock::new(clocks, Horizon::DEFAULT.clock_error));
    if gate.is_closed() && !gate.has_administrator() {
        tracing::warn!(
            "no credential of an administrator is known that does not end: set APPORTION_ADMIN_TOKEN, and make a token with it"
        );
    }
    let workspaces = start::workspaces(&catalog)?;
    let engine_settings = start::engine_settings(opened.shards, &settings.limits);
    let engine = Engine::start(engine_settings, clock, Arc::clone(&opened.store), workspaces)?;
    let engine = Arc::new(engine);
    let policies =
        Policies::open(catalog, Arc::clone(&engine), Arc::clone(&gate), settings.limits.workspaces);
    Ok(Opened { store: opened, engine, gate, policies })
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Listen { what, address, error })
}

fn reflection() -> Result<tonic_reflection::server::Builder<'static>, ServeError> {
    Ok(tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(apportion_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET))
}
