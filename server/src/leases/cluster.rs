//! What a node of a cluster has for calls that other nodes decide: the owners, the streams to them, and names for requests.

use super::forwarded::{ForwardCounts, ForwardResult};
use super::messages;
use super::refresh::{PolicySource, Refresher};
use super::routes::Routes;
use crate::error::Error;
use crate::owners::{Owner, Owners, Route};
use crate::peer::{PeerTls, Peers};
use apportion_core::ids::{NodeId, RequestId};
use apportion_proto::peer_v1;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a former owner has to answer by itself, before its calls are made again at the new one.
const GRACE: Duration = Duration::from_millis(50);
/// The first pause before a call is tried again whose owner is not known or not reached, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(160));

/// This node, as one of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterNode {
    /// The node.
    pub node: NodeId,
    /// Where clients reach it, as `host:port`.
    pub client_address: String,
    /// The owners of all shards.
    pub owners: Arc<dyn Owners>,
}

/// What a node has for calls that other nodes decide.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(super) routes: Routes,
    pub(super) peers: Peers,
    pub(super) refresher: Arc<Refresher>,
    pub(crate) forwarded: ForwardCounts,
    /// Held by each request that waits here for an owner's answer.
    pub(super) waiting: Arc<()>,
    /// This node is about to stop: nothing waits any more.
    pub(super) stopping: CancellationToken,
    this: ClusterNode,
    /// What the ids of requests start with that this process names.
    names: String,
    named: AtomicU64,
}

impl Cluster {
    /// Must be called inside a tokio runtime. Streams to other nodes end when `halt` is cancelled. `policies` are those that this node
    /// follows.
    ///
    /// # Errors
    /// Where the system provides no random bits.
    pub(crate) fn start(
        this: ClusterNode,
        policies: Arc<dyn PolicySource>,
        tls: Option<PeerTls>,
        halt: CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| Error::Internal("the system provides no random bits"))?;
        let changed = this.owners.changed();
        let cluster = Arc::new(Self {
            routes: Routes::new(Arc::clone(&this.owners), this.node.clone()),
            peers: Peers::new(tls, halt.clone()),
            refresher: Refresher::new(policies),
            forwarded: ForwardCounts::default(),
            waiting: Arc::new(()),
            stopping: CancellationToken::new(),
            names: format!("node-{:016x}-", u64::from_le_bytes(random)),
            named: AtomicU64::new(0),
            this,
        });
        tokio::spawn(follow_owners(Arc::downgrade(&cluster), changed, halt));
        Ok(cluster)
    }

    /// A name for a request whose client gave none, so that it can be made again.
    pub(super) fn name_request(&self) -> Option<RequestId> {
        let number = self.named.fetch_add(1, Ordering::Relaxed);
        RequestId::new(&format!("{}{number:x}", self.names)).ok()
    }

    /// The owner of a shard as other nodes are told it.
    pub(crate) fn owner_of(&self, shard: u16) -> Option<peer_v1::ShardOwner> {
        match self.routes.route(shard) {
            Route::Peer(owner) => Some(messages::wire_owner(&owner)),
            Route::Local { epoch } => Some(peer_v1::ShardOwner {
                node: self.this.node.to_string(),
                epoch,
                peer_address: String::new(),
                client_address: self.this.client_address.clone(),
            }),
            Route::Nobody => None,
        }
    }

    /// The owner of a shard as clients are told it: `node;epoch;address`.
    pub(crate) fn hint(&self, shard: u16) -> Option<String> {
        match self.routes.route(shard) {
            Route::Peer(owner) => Some(hint(&owner.node, owner.epoch, &owner.client_address)),
            Route::Local { epoch } => Some(hint(&self.this.node, epoch, &self.this.client_address)),
            Route::Nobody => None,
        }
    }

    /// Takes note that a node does not own a shard. Returns whether it named a newer owner than was known.
    pub(super) fn correct(&self, shard: u16, owner: Option<peer_v1::ShardOwner>) -> bool {
        owner.and_then(messages::owner).is_some_and(|owner: Owner| self.routes.correct(shard, owner))
    }

    /// How many requests wait here for an owner's answer.
    pub(crate) fn waiting(&self) -> usize {
        Arc::strong_count(&self.waiting) - 1
    }

    /// Refuses what still waits, and what would wait from now on: this node is about to stop.
    pub(crate) fn stop_waiting(&self) {
        self.stopping.cancel();
    }

    /// Whether this node owns the shard.
    pub(crate) fn owns(&self, shard: u16) -> bool {
        matches!(self.routes.route(shard), Route::Local { .. })
    }

    /// Whether the store still confirms that this node is one of the cluster.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.this.owners.is_confirmed()
    }

    pub(super) fn note(&self, result: ForwardResult) {
        self.forwarded.note(result);
    }
}

fn hint(node: &NodeId, epoch: u64, address: &str) -> String {
    format!("{node};{epoch};{address}")
}

/// Gives up the calls whose shard has another owner than the node that they were sent to.
async fn follow_owners(cluster: Weak<Cluster>, mut changed: watch::Receiver<u64>, halt: CancellationToken) {
    loop {
        tokio::select! {
            () = halt.cancelled() => return,
            changed = changed.changed() => if changed.is_err() { return },
        }
        tokio::time::sleep(GRACE).await;
        let Some(cluster) = cluster.upgrade() else { return };
        cluster.peers.for_each(|address, link| {
            link.give_up(|shard| match cluster.routes.route(shard) {
                Route::Peer(owner) => owner.peer_address != address,
                Route::Local { .. } | Route::Nobody => true,
            });
        });
    }
}

/// The pauses of one call between its attempts: each ends early when an owner changes.
#[derive(Debug)]
pub(super) struct Pauses {
    deadline: Instant,
    pause: Duration,
    changed: Option<watch::Receiver<u64>>,
}

impl Pauses {
    /// The pauses of a call that is given up at `deadline`.
    pub(super) fn until(deadline: Instant) -> Self {
        Self { deadline, pause: PAUSE.0, changed: None }
    }

    /// Waits until the call is to be tried again. Returns whether there is still time.
    pub(super) async fn next(&mut self, cluster: &Cluster) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let pause = self.pause.min(left);
        self.pause = (self.pause * 2).min(PAUSE.1);
        let changed = self.changed.get_or_insert_with(|| cluster.routes.changed());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // Where those who report changes are gone, only time helps.
            changed = changed.changed() => if changed.is_err() { tokio::time::sleep(pause).await },
        }
        true
    }
}
