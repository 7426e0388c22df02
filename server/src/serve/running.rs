//! A server that runs: starts it, listens, and stops it gracefully.

use super::connection::ConnectionContext;
use super::error::ServeError;
use super::listen::Listener;
use super::permissions;
use super::services::Services;
use super::signals::Signals;
use super::start::{self, Opened};
use super::tls::Certificates;
use crate::clock::{Machine, Source};
use crate::config::Settings;
use crate::engine::Engine;
use crate::service::admin::Admin;
use crate::service::http;
use crate::service::quota::{QuotaCalls, StreamBounds};
use crate::store::{self, OpenedStore, StoreError};
use apportion_proto::v1::admin_service_server::AdminServiceServer;
use apportion_proto::v1::quota_service_server::QuotaServiceServer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// How often to check whether requests still wait.
const DRAIN_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long connections may take to send their last answers.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is served.
    pub address: SocketAddr,
    /// Where metrics and health are served.
    pub http_address: SocketAddr,
    /// Whether callers need a credential.
    pub authenticates: bool,
    /// Whether the store was created by this start.
    pub is_new: bool,
    engine: Arc<Engine>,
    grpc: tokio::task::JoinHandle<()>,
    http: tokio::task::JoinHandle<()>,
    health: tonic_health::server::HealthReporter,
    halt: CancellationToken,
    drain: Duration,
    signals: Signals,
}

impl Running {
    /// Starts the server on the clocks of the machine.
    ///
    /// # Errors
    /// [`ServeError`]; nothing runs then.
    pub async fn start(settings: &Settings) -> Result<Self, ServeError> {
        Self::start_by(Box::new(Machine), settings).await
    }

    /// Starts a server whose store is in memory, for development: it is gone with the server.
    ///
    /// # Errors
    /// [`ServeError`]; nothing runs then.
    pub async fn start_in_memory(settings: &Settings) -> Result<Self, ServeError> {
        Self::start_on(Box::new(Machine), settings, || Ok(store::open_in_memory())).await
    }

    /// Starts the server on other clocks.
    ///
    /// # Errors
    /// [`ServeError`]; nothing runs then.
    pub async fn start_by(clocks: Box<dyn Source>, settings: &Settings) -> Result<Self, ServeError> {
        Self::start_on(clocks, settings, || store::open(&settings.data_dir)).await
    }

    async fn start_on(
        clocks: Box<dyn Source>,
        settings: &Settings,
        open: impl FnOnce() -> Result<OpenedStore, StoreError>,
    ) -> Result<Self, ServeError> {
        // Before clients can reach it: an earlier signal would end the process without answers to waiting requests.
        let signals = Signals::new()?;
        let listener = bind("listen", settings.listen).await?;
        let http_listener = bind("http_listen", settings.http_listen).await?;
        let Opened { store: OpenedStore { store, is_new, file: path, .. }, engine, gate, policies } =
            start::open(clocks, settings, open()?)?;
        let authenticates = gate.is_closed();
        let certificates = settings.tls.clone().map(Certificates::read).transpose()?;
        let (address, http_address) = (listener.local_addr()?, http_listener.local_addr()?);
        let halt = CancellationToken::new();
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<QuotaServiceServer<QuotaCalls>>().await;
        health.set_serving::<AdminServiceServer<Admin>>().await;
        let limits = settings.limits;
        let bounds = StreamBounds {
            in_flight: limits.exchange_in_flight as usize,
            watchers: limits.watchers as usize,
        };
        let quota = QuotaCalls::new(Arc::clone(&engine), Arc::clone(&gate), Arc::clone(&store), bounds);
        let bytes = limits.message_bytes as usize;
        let admin = AdminServiceServer::new(Admin::new(policies, store));
        let router = Routes::new(health_service)
            .add_service(reflection()?.build_v1()?)
            .add_service(reflection()?.build_v1alpha()?)
            .add_service(admin.max_decoding_message_size(bytes))
            .prepare();
        let quota = QuotaServiceServer::new(quota).max_decoding_message_size(bytes);
        let services = Services { quota, router };
        let context =
            ConnectionContext { services, limits, certificates, gate: Arc::clone(&gate), halt: halt.clone() };
        let grpc = tokio::spawn(Listener::new(listener, context).serve());
        let http = tokio::spawn(http::serve(http_listener, Arc::clone(&engine), gate));
        let drain = Duration::from_secs(settings.drain_seconds.into());
        // Warn only once everything else has started.
        if is_new {
            tracing::warn!("{} is a new store: nothing is in it but the workspace `default`", path.display());
        }
        permissions::warn(settings, &path);
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

    /// Serves until a signal arrives, then stops gracefully. A second signal ends it at once.
    ///
    /// # Errors
    /// [`ServeError`] where gRPC failed, or something that every workspace depends on: the process must end at once then.
    pub async fn until_signalled(mut self) -> Result<(), ServeError> {
        tokio::select! {
            _ = &mut self.grpc => return Ok(()),
            what = self.engine.failed() => return Err(ServeError::Failed(what)),
            () = self.signals.next() => {}
        }
        tracing::info!("stopping: waiting requests have {} s", self.drain.as_secs());
        let mut again = Signals::new()?;
        tokio::select! {
            stopped = self.stop() => stopped,
            () = again.next() => Ok(()),
        }
    }

    /// Stops gracefully: refuses new requests, lets waiting ones finish within the time to drain, hands back what was booked and not
    /// granted, and closes connections.
    ///
    /// # Errors
    /// [`ServeError`] where gRPC failed.
    pub async fn stop(self) -> Result<(), ServeError> {
        self.health.set_not_serving::<QuotaServiceServer<QuotaCalls>>().await;
        self.health.set_not_serving::<AdminServiceServer<Admin>>().await;
        self.engine.drain();
        let deadline = Instant::now() + self.drain;
        while self.engine.waiting() > 0 && Instant::now() < deadline {
            tokio::time::sleep(DRAIN_POLL_INTERVAL).await;
        }
        let engine = Arc::clone(&self.engine);
        // It writes to the store, and refuses what still waits.
        let _ = tokio::task::spawn_blocking(move || engine.stop()).await;
        self.halt.cancel();
        let mut grpc = self.grpc;
        let ended = tokio::time::timeout(FLUSH_TIMEOUT, &mut grpc).await;
        self.http.abort();
        if ended.is_err() {
            grpc.abort();
        }
        Ok(())
    }
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Listen { what, address, error })
}

fn reflection() -> Result<tonic_reflection::server::Builder<'static>, ServeError> {
    Ok(tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(apportion_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET))
}
