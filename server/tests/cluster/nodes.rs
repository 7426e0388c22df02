//! A few servers in this process, with owners that a test sets.

use apportion_core::ids::NodeId;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_server::clock::Machine;
use apportion_server::config::{Log, LogFormat, LogLevel, Secret, ServerLimits, Settings};
use apportion_server::leases::ClusterNode;
use apportion_server::owners::{Owner, Owners, Route};
use apportion_server::serve::Running;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};
use tonic_types::StatusExt;

/// What the nodes of a test know together: the addresses of each, and the owner of all shards.
#[derive(Debug)]
struct Script {
    nodes: Mutex<Vec<Owner>>,
    /// The place of the owner and its epoch; none where nobody owns anything.
    owner: Mutex<Option<(usize, u64)>>,
    changed: watch::Sender<u64>,
}

/// The owners as one node knows them.
#[derive(Debug)]
struct Scripted {
    script: Arc<Script>,
    node: usize,
    /// Where set, this node does not hear of changes: it believes this.
    believes: Mutex<Option<(usize, u64)>>,
}

impl Owners for Scripted {
    fn is_confirmed(&self) -> bool {
        true
    }

    fn route(&self, _: u16) -> Route {
        let believed = *self.believes.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = believed.or(*self.script.owner.lock().unwrap_or_else(PoisonError::into_inner));
        match owner {
            None => Route::Nobody,
            Some((owner, epoch)) if owner == self.node => Route::Local { epoch },
            Some((owner, epoch)) => {
                let nodes = self.script.nodes.lock().unwrap_or_else(PoisonError::into_inner);
                Route::Peer(Arc::new(Owner { epoch, ..nodes[owner].clone() }))
            }
        }
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.script.changed.subscribe()
    }
}

/// Servers that are nodes of one cluster. Each has a store of its own, with a workspace `default`.
pub(crate) struct Nodes {
    script: Arc<Script>,
    scripted: Vec<Arc<Scripted>>,
    running: Vec<Option<Running>>,
    channels: Vec<Channel>,
    _directories: Vec<tempfile::TempDir>,
}

impl Nodes {
    /// So many nodes; the first owns everything.
    pub(crate) async fn start(count: usize) -> Self {
        Self::start_with(count, None).await
    }

    /// The same; calls need this token.
    pub(crate) async fn start_with(count: usize, root: Option<&str>) -> Self {
        let changed = watch::Sender::new(0);
        let script = Arc::new(Script { nodes: Mutex::default(), owner: Mutex::new(Some((0, 1))), changed });
        let (scripted, running) = (Vec::new(), Vec::new());
        let mut nodes = Self { script, scripted, running, channels: Vec::new(), _directories: Vec::new() };
        for node in 0..count {
            nodes.add(node, root).await;
        }
        nodes
    }

    async fn add(&mut self, node: usize, root: Option<&str>) {
        let directory = tempfile::tempdir().expect("a directory");
        let anywhere = "127.0.0.1:0".parse().expect("an address");
        let settings = Settings {
            data_dir: directory.path().into(),
            cluster: None,
            listen: anywhere,
            http_listen: anywhere,
            peer_listen: Some(anywhere),
            peer_tls: None,
            tls: None,
            insecure: false,
            log: Log { format: LogFormat::Text, level: LogLevel::Error },
            limits: ServerLimits { exchange_in_flight: 20_000, ..ServerLimits::DEFAULT },
            drain_seconds: 1,
            audit_entries: 1_000,
            admin_token: root.map(|secret| Secret::new(secret.into())),
        };
        let script = Arc::clone(&self.script);
        let scripted = Arc::new(Scripted { script, node, believes: Mutex::default() });
        self.scripted.push(Arc::clone(&scripted));
        let id = NodeId::new(&format!("node-{node}")).expect("a name");
        let running = Running::start_node(Box::new(Machine), &settings, |client, peer| {
            let owner = Owner {
                node: id.clone(),
                epoch: 0,
                peer_address: peer.to_string(),
                client_address: client.to_string(),
            };
            self.script.nodes.lock().expect("no panic").push(owner);
            ClusterNode { node: id, client_address: client.to_string(), owners: scripted }
        });
        let running = running.await.expect("it starts");
        let endpoint = Endpoint::from_shared(format!("http://{}", running.address)).expect("an address");
        self.channels.push(endpoint.connect().await.expect("it listens"));
        self.running.push(Some(running));
        self._directories.push(directory);
    }

    /// Makes a node the owner of everything, under this epoch.
    pub(crate) fn give(&self, node: usize, epoch: u64) {
        self.set(Some((node, epoch)));
    }

    /// Makes nobody the owner of anything.
    pub(crate) fn orphan(&self) {
        self.set(None);
    }

    fn set(&self, owner: Option<(usize, u64)>) {
        *self.script.owner.lock().expect("no panic") = owner;
        self.script.changed.send_modify(|changed| *changed += 1);
    }

    /// From now on a node believes that another one owns everything under this epoch, whatever happens.
    pub(crate) fn believe(&self, node: usize, owner: usize, epoch: u64) {
        *self.scripted[node].believes.lock().expect("no panic") = Some((owner, epoch));
    }

    /// Stops a node without a word to the others.
    pub(crate) async fn stop(&mut self, node: usize) {
        let running = self.running[node].take().expect("it runs");
        running.stop().await.expect("it stops");
    }

    pub(crate) fn quota(&self, node: usize) -> QuotaServiceClient<Channel> {
        QuotaServiceClient::new(self.channels[node].clone())
    }

    pub(crate) fn admin(&self, node: usize) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channels[node].clone())
    }

    pub(crate) fn peer_address(&self, node: usize) -> String {
        self.script.nodes.lock().expect("no panic")[node].peer_address.clone()
    }

    pub(crate) fn client_address(&self, node: usize) -> String {
        self.script.nodes.lock().expect("no panic")[node].client_address.clone()
    }

    /// What the owner shows of the workspace `default`, through a node.
    pub(crate) async fn snapshot(&self, node: usize) -> v1::WorkspaceSnapshot {
        let mut client = self.quota(node);
        let watch = client.watch_workspace(v1::WatchWorkspaceRequest::default());
        let mut snapshots = watch.await.expect("shown").into_inner();
        let shown = snapshots.message().await.expect("it goes on").expect("it goes on");
        shown.snapshot.expect("there is one")
    }

    /// Returns once the number of requests that wait at the owner is as wanted.
    pub(crate) async fn until_waiting(&self, node: usize, is_wanted: impl Fn(u32) -> bool) {
        let mut client = self.quota(node);
        let watch = client.watch_workspace(v1::WatchWorkspaceRequest::default());
        let mut snapshots = watch.await.expect("shown").into_inner();
        loop {
            let shown = snapshots.message().await.expect("it goes on").expect("it goes on");
            if is_wanted(shown.snapshot.expect("there is one").waiting_requests) {
                return;
            }
        }
    }
}

/// A request for so many permits that waits up to a minute.
pub(crate) fn acquire(permits: u32) -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        permits: Some(permits),
        max_wait: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    }
}

/// Why a call was refused.
pub(crate) fn reason<T>(outcome: Result<Response<T>, Status>) -> String {
    let status = outcome.err().expect("it is refused");
    status.get_details_error_info().unwrap_or_else(|| panic!("the details say why: {status:?}")).reason
}
