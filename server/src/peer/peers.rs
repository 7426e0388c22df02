//! The other nodes, by address.

use super::connect::{PeerTls, lazy};
use super::link::PeerLink;
use super::pump;
use foldhash::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Streams to one node. A shard always uses the same one, so its calls stay in order.
const LINKS: u16 = 2;
/// Most nodes that are known at once. Beyond it all are forgotten; their streams end when their calls have.
const PEERS_MAX: usize = 256;

/// The streams to other nodes.
#[derive(Debug)]
pub(crate) struct Peers {
    tls: Option<Arc<PeerTls>>,
    halt: CancellationToken,
    nodes: RwLock<HashMap<String, Arc<PeerNode>>>,
}

/// One other node.
#[derive(Debug)]
struct PeerNode {
    links: Vec<Arc<PeerLink>>,
    /// For the few calls that are no leases; none where the certificate of this node cannot be used.
    channel: Result<Channel, String>,
}

impl Peers {
    /// No node is connected yet. Every stream ends when `halt` is cancelled.
    pub(crate) fn new(tls: Option<PeerTls>, halt: CancellationToken) -> Self {
        Self { tls: tls.map(Arc::new), halt, nodes: RwLock::default() }
    }

    /// The stream to the node at this address that the calls of a shard use.
    pub(crate) fn link(&self, address: &str, shard: u16) -> Arc<PeerLink> {
        Arc::clone(&self.node(address).links[usize::from(shard % LINKS)])
    }

    /// A channel to the node at this address for single calls.
    ///
    /// # Errors
    /// Why there is none, as human-readable text.
    pub(crate) fn channel(&self, address: &str) -> Result<Channel, String> {
        self.node(address).channel.clone()
    }

    /// Calls `act` with each stream and the address of its node.
    pub(crate) fn for_each(&self, act: impl Fn(&str, &PeerLink)) {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().for_each(|(address, node)| node.links.iter().for_each(|link| act(address, link)));
    }

    fn node(&self, address: &str) -> Arc<PeerNode> {
        if let Some(node) = self.nodes.read().unwrap_or_else(PoisonError::into_inner).get(address) {
            return Arc::clone(node);
        }
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        if nodes.len() >= PEERS_MAX {
            nodes.clear();
        }
        Arc::clone(nodes.entry(address.to_owned()).or_insert_with(|| Arc::new(self.connect(address))))
    }

    fn connect(&self, address: &str) -> PeerNode {
        let link = |_| PeerLink::new(address.to_owned(), self.tls.clone(), self.halt.clone(), pump::open);
        PeerNode { links: (0..LINKS).map(link).collect(), channel: lazy(address, self.tls.as_deref()) }
    }
}
