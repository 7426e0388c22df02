//! A server that runs: starts it, listens, and stops it gracefully.

use super::connection::ConnectionContext;
use super::documents;
use super::error::ServeError;
use super::listen::Listener;
use super::member::{self, Joined, NodeSite};
use super::peers::{self, PeerPort};
use super::permissions;
use super::services::Services;
use super::signals::Signals;
use super::start::{self, Opened};
use super::tls::Certificates;
use crate::clock::{Machine, Source};
use crate::config::Settings;
use crate::engine::Engine;
use crate::leases::{Cluster, ClusterNode};
use crate::membership::Membership;
use crate::service::admin::Admin;
use crate::service::envoy::RateLimitCalls;
use crate::service::http;
use crate::service::quota::{QuotaCalls, StreamBounds};
use crate::store::{self, OpenedStore, StoreError};
use crate::usage::{self, UsageWriter};
use apportion_envoy::ratelimit::rate_limit_service_server::RateLimitServiceServer;
use apportion_proto::v1::admin_service_server::AdminServiceServer;
use apportion_proto::v1::quota_service_server::QuotaServiceServer;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// How often to check whether requests still wait.
const DRAIN_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How often a node looks whether another process has taken its name.
const NAME_INTERVAL: Duration = Duration::from_millis(500);
/// How long connections may take to send their last answers.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where other nodes are served unless a setting says otherwise.
const PEER_DEFAULT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7422));

/// Makes a server a node of a cluster.
type NodeMaker<'a> = Box<dyn FnOnce(&NodeSite<'_>) -> Result<Joined, ServeError> + Send + 'a>;

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is served.
    pub address: SocketAddr,
    /// Where metrics and health are served.
    pub http_address: SocketAddr,
    /// Where other nodes are served; none where this is no node of a cluster.
    pub peer_address: Option<SocketAddr>,
    /// Whether callers need a credential.
    pub authenticates: bool,
    /// Whether the store was created by this start.
    pub is_new: bool,
    engine: Arc<Engine>,
    usage: Arc<UsageWriter>,
    /// Writes usage once a minute.
    usage_task: tokio::task::JoinHandle<()>,
    grpc: tokio::task::JoinHandle<()>,
    peers: Option<tokio::task::JoinHandle<()>>,
    http: tokio::task::JoinHandle<()>,
    health: tonic_health::server::HealthReporter,
    halt: CancellationToken,
    /// Ends the streams to other nodes and from them.
    peers_halt: CancellationToken,
    drain: Duration,
    signals: Signals,
    /// The other nodes, where there are any.
    cluster: Option<Arc<Cluster>>,
    /// The part of this server in its cluster.
    membership: Option<Arc<Membership>>,
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
        Self::start_on(Box::new(Machine), settings, || Ok(store::open_in_memory()), None).await
    }

    /// Starts the server on other clocks.
    ///
    /// # Errors
    /// [`ServeError`]; nothing runs then.
    pub async fn start_by(clocks: Box<dyn Source>, settings: &Settings) -> Result<Self, ServeError> {
        let peers = match &settings.cluster {
            Some(cluster) => {
                let listener = bind("peer_listen", settings.peer_listen.unwrap_or(PEER_DEFAULT)).await?;
                let join: NodeMaker<'_> = Box::new(|site| member::join(site, cluster));
                Some((listener, join))
            }
            None => None,
        };
        Self::start_on(clocks, settings, || store::open(&settings.place()), peers).await
    }

    /// Starts the server as a node of a cluster in which `node` says who owns what, from where clients and other nodes reach it.
    ///
    /// # Errors
    /// [`ServeError`]; nothing runs then.
    pub async fn start_node(
        clocks: Box<dyn Source>,
        settings: &Settings,
        node: impl FnOnce(SocketAddr, SocketAddr) -> ClusterNode + Send,
    ) -> Result<Self, ServeError> {
        let listener = bind("peer_listen", settings.peer_listen.unwrap_or(PEER_DEFAULT)).await?;
        let join: NodeMaker<'_> =
            Box::new(|site| Ok(Joined { node: node(site.client, site.peer), membership: None }));
        Self::start_on(clocks, settings, || store::open(&settings.place()), Some((listener, join))).await
    }

    async fn start_on(
        clocks: Box<dyn Source>,
        settings: &Settings,
        open: impl FnOnce() -> Result<OpenedStore, StoreError>,
        peers: Option<(TcpListener, NodeMaker<'_>)>,
    ) -> Result<Self, ServeError> {
        // Before clients can reach it: an earlier signal would end the process without answers to waiting requests.
        let signals = Signals::new()?;
        let listener = bind("listen", settings.listen).await?;
        let http_listener = bind("http_listen", settings.http_listen).await?;
        let opened = open()?;
        let Opened { store: OpenedStore { store, is_new, file, etcd, .. }, engine, gate, policies } =
            start::open(clocks, settings, opened)?;
        let authenticates = gate.is_closed();
        let certificates = settings.tls.clone().map(Certificates::read).transpose()?;
        let (address, http_address) = (listener.local_addr()?, http_listener.local_addr()?);
        let halt = CancellationToken::new();
        let (peers, join) = peers.unzip();
        let peer_address = peers.as_ref().map(TcpListener::local_addr).transpose()?;
        let joined = join.zip(peer_address).map(|(join, peer)| {
            join(&NodeSite { engine: &engine, etcd: etcd.as_ref(), client: address, peer })
        });
        let (node, membership) = joined.transpose()?.map(|joined| (joined.node, joined.membership)).unzip();
        let peers_halt = CancellationToken::new();
        let leases = peers::leases(&engine, node, &policies, settings, &peers_halt)?;
        if let Some(etcd) = &etcd {
            documents::follow(etcd, &policies);
        }
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<QuotaServiceServer<QuotaCalls>>().await;
        health.set_serving::<AdminServiceServer<Admin>>().await;
        let limits = settings.limits;
        let bounds = StreamBounds {
            in_flight: limits.exchange_in_flight as usize,
            watchers: limits.watchers as usize,
        };
        let quota = QuotaCalls::new(leases.clone(), Arc::clone(&gate), Arc::clone(&store), bounds);
        let usage = Arc::new(UsageWriter::new(Arc::clone(&engine), Arc::clone(&store)));
        let bytes = limits.message_bytes as usize;
        let membership = membership.flatten();
        let domains = policies.domains();
        let admin = Admin::new(policies, store, leases.clone(), membership.clone());
        let rls = RateLimitCalls::new(leases.clone(), Arc::clone(&gate), domains);
        let peers = peers.map(|listener| {
            let (leases, admin, gate) = (leases.clone(), admin.clone(), Arc::clone(&gate));
            let (tls, halt) = (settings.peer_tls.clone(), peers_halt.clone());
            PeerPort { listener, leases, admin, gate, limits, tls, halt }.listener()
        });
        let peers = peers.transpose()?.flatten();
        let admin = AdminServiceServer::new(admin);
        let router = Routes::new(health_service)
            .add_service(reflection()?.build_v1()?)
            .add_service(reflection()?.build_v1alpha()?)
            .add_service(admin.max_decoding_message_size(bytes))
            .add_service(RateLimitServiceServer::new(rls).max_decoding_message_size(bytes))
            .prepare();
        let quota = QuotaServiceServer::new(quota).max_decoding_message_size(bytes);
        let services = Services { quota: Some(quota), router };
        let context =
            ConnectionContext { services, limits, certificates, gate: Arc::clone(&gate), halt: halt.clone() };
        let grpc = tokio::spawn(Listener::new(listener, context).serve());
        let peers = peers.map(|listener| tokio::spawn(listener.serve()));
        let cluster = leases.cluster().cloned();
        let http = tokio::spawn(http::serve(http_listener, Arc::clone(&engine), leases, gate));
        let drain = Duration::from_secs(settings.drain_seconds.into());
        let usage_task = tokio::spawn(usage::run(Arc::downgrade(&usage)));
        // Warn only once everything else has started.
        if is_new {
            tracing::warn!(
                "{} is a new store: nothing is in it but the workspace `default`",
                settings.store_name()
            );
        }
        permissions::warn(settings, file.as_deref());
        Ok(Self {
            address,
            http_address,
            peer_address,
            authenticates,
            is_new,
            engine,
            usage,
            usage_task,
            grpc,
            peers,
            http,
            health,
            halt,
            peers_halt,
            cluster,
            drain,
            signals,
            membership,
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
            () = name_taken(self.membership.as_deref()) => return Err(ServeError::NameTaken),
            () = self.signals.next() => {}
        }
        tracing::info!("stopping: waiting requests have {} s", self.drain.as_secs());
        let mut again = Signals::new()?;
        tokio::select! {
            stopped = self.stop() => stopped,
            () = again.next() => Ok(()),
        }
    }

    /// Stops gracefully: gives its shards to other nodes, refuses new requests, lets waiting ones finish within the time to drain, hands
    /// back what was booked and not granted, and closes connections.
    ///
    /// # Errors
    /// [`ServeError`] where gRPC failed.
    pub async fn stop(self) -> Result<(), ServeError> {
        self.health.set_not_serving::<QuotaServiceServer<QuotaCalls>>().await;
        self.health.set_not_serving::<AdminServiceServer<Admin>>().await;
        let deadline = Instant::now() + self.drain;
        if let Some(membership) = &self.membership {
            membership.drain(self.drain).await;
            // Open calls go on, to the owners that there are now; clients make the next ones at other nodes.
            self.halt.cancel();
        }
        self.engine.drain();
        while self.waiting() > 0 && Instant::now() < deadline {
            tokio::time::sleep(DRAIN_POLL_INTERVAL).await;
        }
        self.cluster.inspect(|cluster| cluster.stop_waiting());
        let engine = Arc::clone(&self.engine);
        // It writes to the store, and refuses what still waits.
        let (membership, usage) = (self.membership, self.usage);
        self.usage_task.abort();
        let stop = move || {
            engine.stop();
            usage.write(engine.clock().now());
            membership.inspect(|membership| membership.leave());
        };
        let _ = tokio::task::spawn_blocking(stop).await;
        self.halt.cancel();
        let mut grpc = self.grpc;
        let ended = tokio::time::timeout(FLUSH_TIMEOUT, &mut grpc).await;
        self.http.abort();
        if ended.is_err() {
            grpc.abort();
        }
        // Streams between nodes stay open until then: what is on them is asked for again elsewhere.
        self.peers_halt.cancel();
        self.peers.inspect(tokio::task::JoinHandle::abort);
        Ok(())
    }

    /// How many requests wait, here or through this node.
    fn waiting(&self) -> usize {
        self.engine.waiting() + self.cluster.as_ref().map_or(0, |cluster| cluster.waiting())
    }
}

/// Resolves when another process has taken the name of this node.
async fn name_taken(membership: Option<&Membership>) {
    let mut ticks = tokio::time::interval(NAME_INTERVAL);
    while membership.is_none_or(|membership| !membership.is_name_taken()) {
        ticks.tick().await;
    }
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Listen { what, address, error })
}

fn reflection() -> Result<tonic_reflection::server::Builder<'static>, ServeError> {
    Ok(tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(apportion_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(apportion_envoy::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET))
}
