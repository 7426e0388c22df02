//! A node of a cluster: its session, its part in the campaign, and how it leaves.

use super::campaign::Campaign;
use super::claims::SHARDS;
use super::driver::{Campaigner, wall_ms};
use super::placement::Placement;
use super::record::{NODES, NodeRecord};
use super::shards::ShardServer;
use super::table::OwnerTable;
use super::view::ClusterView;
use super::wall::WallCheck;
use crate::clock::Clock;
use crate::store::catalog::PLACEMENT;
use crate::store::etcd::{Etcd, SESSION_SECONDS, Session};
use crate::store::{Store, StoreError, StoreVersion};
use apportion_core::ids::NodeId;
use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How long a process of the same name has to end its session, before the name is taken for in use.
const NAME_TIMEOUT: Duration = Duration::from_secs(SESSION_SECONDS as u64 + 3);
/// Most callers that wait to see the cluster.
const VIEWERS_MAX: usize = 16;
/// How often it is looked for.
const NAME_INTERVAL: Duration = Duration::from_millis(200);

/// What a node says of itself at its start.
#[derive(Clone, Debug)]
pub struct MembershipSettings {
    /// Its name.
    pub node: NodeId,
    /// Where clients reach it, as `host:port`.
    pub client_address: String,
    /// Where other nodes reach it, as `host:port`.
    pub peer_address: String,
    /// How far a clock may be off, in milliseconds.
    pub clock_error_ms: i64,
    /// The clock that permits are granted by.
    pub clock: Arc<Clock>,
}

/// Why a node does not join its cluster.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// Another process bears the name.
    #[error(
        "cluster.node: another process at {address} is the node {node:?}: give each node a name of its own, or stop that one"
    )]
    NameInUse {
        /// The name.
        node: String,
        /// Where that process is.
        address: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A node that takes part.
#[derive(Debug)]
pub struct Membership {
    table: Arc<OwnerTable>,
    session: Arc<Session>,
    stops: watch::Sender<bool>,
    viewers: mpsc::Sender<oneshot::Sender<ClusterView>>,
    serving: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Membership {
    /// Joins the cluster, and campaigns for shards on this runtime. Blocks for calls of etcd.
    ///
    /// # Errors
    /// [`MembershipError`].
    pub fn start(
        runtime: &Handle,
        etcd: &Etcd,
        settings: &MembershipSettings,
        server: Arc<dyn ShardServer>,
    ) -> Result<Self, MembershipError> {
        let key = format!("{NODES}{}", settings.node);
        let expected = free(etcd, &key, settings)?;
        let record = Arc::new(Mutex::new(NodeRecord {
            boot: boot(),
            client_address: settings.client_address.clone(),
            peer_address: settings.peer_address.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            weight: 1,
            // Not known to be right before it was compared with those of others.
            clock_is_wrong: true,
            ..NodeRecord::default()
        }));
        let (of_session, clock) = (Arc::clone(&record), Arc::clone(&settings.clock));
        let value = move || {
            let record = of_session.lock().unwrap_or_else(PoisonError::into_inner).clone();
            NodeRecord { wall_ms: wall_ms(&clock), ..record }.encode()
        };
        let session = Arc::new(etcd.session(&key, expected, Box::new(value))?);
        let table = Arc::new(OwnerTable::new(settings.node.clone(), server.count()));
        let (stops, is_stopping) = watch::channel(false);
        let (viewers, to_view) = mpsc::channel(VIEWERS_MAX);
        let (served, serving) = watch::channel(0);
        let driver = Campaigner {
            me: settings.node.clone(),
            campaign: Campaign::new(settings.node.clone(), server.count(), seed()),
            clock: Arc::clone(&settings.clock),
            wall: WallCheck::new(settings.clock_error_ms),
            nodes: etcd.follow(NODES),
            shards: etcd.follow(SHARDS),
            placement: (Placement::default(), etcd.follow(PLACEMENT)),
            server,
            session: Arc::clone(&session),
            record,
            table: Arc::clone(&table),
            owners: BTreeMap::new(),
            probes: BTreeMap::new(),
            findings: mpsc::unbounded_channel(),
            stops: is_stopping,
            viewers: to_view,
            serving: served,
            has_listed: (false, false, false),
            started: Instant::now(),
            wall_written: Instant::now(),
            is_asked: false,
        };
        let task = runtime.spawn(driver.run());
        Ok(Self { table, session, stops, viewers, serving, task })
    }

    /// Who owns which shard.
    pub fn owners(&self) -> Arc<OwnerTable> {
        Arc::clone(&self.table)
    }

    /// The cluster as this node sees it; `None` where it takes no part in it any more.
    pub async fn view(&self) -> Option<ClusterView> {
        let (viewer, view) = oneshot::channel();
        self.viewers.send(viewer).await.ok()?;
        view.await.ok()
    }

    /// Whether another process has taken the name of this node: it must stop then.
    pub fn is_name_taken(&self) -> bool {
        self.session.is_taken()
    }

    /// Gives every shard to other nodes, before this one stops. Returns once that is done, or after `most`; at once where there is no
    /// node to give them to.
    pub async fn drain(&self, most: Duration) {
        self.stops.send_replace(true);
        let mut serving = self.serving.clone();
        let _ = tokio::time::timeout(most, serving.wait_for(|&shards| shards == 0)).await;
    }

    /// Takes shards again.
    pub fn undrain(&self) {
        self.stops.send_replace(false);
    }

    /// Leaves the cluster: other nodes take at once what is still owned here. Blocks for a call of etcd.
    pub fn leave(&self) {
        self.task.abort();
        self.session.end();
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The version of what a former process of this name left behind; waits until that is known to be dead.
fn free(
    etcd: &Etcd,
    key: &str,
    settings: &MembershipSettings,
) -> Result<Option<StoreVersion>, MembershipError> {
    let (started, (_never, pause)) = (Instant::now(), std::sync::mpsc::channel::<()>());
    loop {
        let Some(entry) = etcd.read(key)? else { return Ok(None) };
        let record = NodeRecord::decode(&entry.value).unwrap_or_default();
        // This process listens where that one did, so that one is gone.
        if record.peer_address == settings.peer_address || !answers(&record.peer_address) {
            return Ok(Some(entry.version));
        }
        if started.elapsed() > NAME_TIMEOUT {
            let (node, address) = (settings.node.to_string(), record.client_address);
            return Err(MembershipError::NameInUse { node, address });
        }
        let _ = pause.recv_timeout(NAME_INTERVAL);
    }
}

fn answers(address: &str) -> bool {
    let Ok(mut addresses) = address.to_socket_addrs() else { return false };
    addresses.any(|address| TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_ok())
}

fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Only jitter depends on it.
    let _ = getrandom::fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

fn boot() -> String {
    format!("{:016x}", seed())
}
