//! The laboratory: nodes in namespaces on an etcd of three members, clients in two languages, and the provider that counts.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use tempfile::TempDir;
use tonic::transport::Channel;

use super::certificates;
use super::changes::Changes;
use super::clients::{Clients, build_go};
use super::names::{NODES, PATIENCE, SECRET, SeenError, WORKSPACE};
use super::network::{End, Network};
use super::probe::{Asking, Probe};
use super::resources::Resources;
use crate::etcd::{Etcd, EtcdShape};
use crate::process::nodes::Nodes;
use crate::process::pass;
use crate::process::program::program;
use crate::process::site::Site;
use crate::process::wire::Client;
use crate::provider::{Provider, Report, Rules, realtime_ns};

/// The ports of a node for clients, for scrapes and for other nodes.
const PORTS: [u16; 3] = [7420, 7421, 7422];
/// What the provider allows in a window of so many milliseconds. Clients ask for half as much again.
const LIMIT: (u32, u64) = (1_000, 10_000);
/// The workers of the Rust client for each node.
const WORKERS: usize = 2;

/// Processes that run until it is stopped.
#[derive(Debug)]
pub struct Lab {
    /// The links.
    pub network: Network,
    /// The members.
    pub etcd: Etcd,
    /// The nodes; one more than [`NODES`] has a place.
    pub nodes: Nodes,
    /// The load.
    pub clients: Clients,
    /// Changes of policy and tokens, while they are made.
    pub changes: Option<Changes>,
    /// A workspace in the same shard as the shared one, in which permits never run out.
    pub(super) probe: Probe,
    provider: Provider,
    _certificates: TempDir,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Lab {
    /// Starts everything, and waits until every node serves.
    pub async fn start() -> Self {
        build_go();
        let network = Network::start(NODES + 1);
        let certificates = tempfile::tempdir().expect("a directory");
        let host = Some(network.address(End::Etcd));
        let etcd = Etcd::start(EtcdShape { members: 3, host, ..EtcdShape::default() }).await;
        let hosts: Vec<_> = (0..=NODES).map(|node| network.address(End::Node(node))).collect();
        let flags = certificates::write(certificates.path(), &hosts);
        let sites = flags.into_iter().enumerate().map(|(node, flags)| site(&network, node, flags));
        let nodes = Nodes::start_at(&etcd, sites.collect(), NODES).await;
        let (limit, window_ms) = LIMIT;
        let rules = Rules { limit: limit.into(), window_ms, latency_ms: 5, ..Rules::default() };
        let provider = Provider::start(rules).expect("a provider");
        let probe = Probe::beside(WORKSPACE);
        create(&nodes, WORKSPACE, limit, window_ms).await;
        create(&nodes, probe.workspace(), 50_000, 10_000).await;
        let channels = (0..NODES).map(|node| nodes.channel(node)).collect();
        let changes = Some(Changes::start(channels, 0).await);
        let addresses: Vec<_> = (0..NODES).map(|node| nodes.server(node).address()).collect();
        let clients = Clients::start(&addresses, provider.address(), WORKERS);
        Self { network, etcd, nodes, clients, changes, probe, provider, _certificates: certificates }
    }

    /// The node that owns the shared workspace, as a node names it.
    pub async fn owner(&self, asked: usize) -> usize {
        let (started, channel) = (Instant::now(), self.nodes.channel(asked));
        loop {
            let answer = Client::new(channel.clone()).acquire_lease(self.probe.request()).await;
            let named = answer.as_ref().ok().and_then(|answer| {
                let hint = answer.metadata().get("apportion-owner")?.to_str().ok()?;
                hint.split(';').next()?.strip_prefix("node-")?.parse().ok()
            });
            if let Some(node) = named {
                return node;
            }
            assert!(started.elapsed() < PATIENCE, "node {asked} names no owner: {answer:?}");
            pass(Duration::from_millis(20)).await;
        }
    }

    /// The time from an instant until each of some nodes has granted a permit that was asked for after now.
    pub async fn next_grant(&self, through: &[usize], since: Instant) -> Duration {
        let asked = through.iter().map(|&node| self.probe.granted(self.nodes.channel(node)));
        let granted = futures_util::future::join_all(asked).await;
        granted.into_iter().max().map_or(Duration::ZERO, |at| at.saturating_duration_since(since))
    }

    /// Asks nodes all the time, until the result is stopped.
    pub(super) fn ask(&self, through: &[usize]) -> Asking {
        Asking::start(&self.probe, through.iter().map(|&node| self.nodes.channel(node)).collect())
    }

    /// The nodes that always take part, without some.
    pub fn others(&self, than: &[usize]) -> Vec<usize> {
        (0..NODES).filter(|node| !than.contains(node)).collect()
    }

    /// How many shards each node owns, by its own metrics.
    pub async fn owned(&self, node: usize) -> usize {
        let page = self.nodes.server(node).page("/metrics").await;
        let owned = page.lines().filter_map(|line| line.strip_prefix("apportion_shard_owned"));
        owned
            .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
            .map(|owned| owned as usize)
            .sum()
    }

    /// Waits until all shards have one owner each and no node has too many: what a fault moved has moved back.
    pub async fn settled(&self) {
        let started = Instant::now();
        loop {
            let mut owned = Vec::new();
            for node in 0..NODES {
                owned.push(self.owned(node).await);
            }
            if owned.iter().sum::<usize>() == 64 && owned.iter().all(|&owned| owned >= 10) {
                return;
            }
            if started.elapsed() > PATIENCE {
                let logs: Vec<_> = (0..NODES).map(|node| self.nodes.server(node).log()).collect();
                panic!("the shards do not settle: {owned:?}\n{}", logs.join("\n\n"));
            }
            pass(Duration::from_millis(100)).await;
        }
    }

    /// The most that any node holds.
    pub fn resources(&self) -> Resources {
        let nodes = (0..NODES).filter(|&node| self.nodes.runs(node));
        nodes
            .map(|node| Resources::of(self.nodes.server(node).pid()))
            .fold(Resources::default(), Resources::max)
    }

    /// Waits until a window of the provider has started and ended.
    pub async fn pass_a_window(&self) {
        let (now, length) = (realtime_ns(), LIMIT.1 * 1_000_000);
        let left = length - now % length;
        pass(Duration::from_nanos(left + length + 200_000_000)).await;
    }

    /// Waits at another point of a window in each round, so that faults do not always come at the same one.
    pub(super) async fn calm(&self, round: usize) {
        let part = u64::try_from(round % 8).unwrap_or_default() * LIMIT.1 / 8;
        pass(Duration::from_millis(200 + part)).await;
    }

    /// Ends the changes, and judges them.
    pub(super) async fn judge_changes(&mut self) {
        if let Some(changes) = self.changes.take() {
            println!("changes through every node: {:?}", changes.judge().await);
        }
    }

    /// Stops the load, and returns what the provider counted and what errors clients saw. Fails if a node has panicked.
    pub(super) async fn stop(self) -> (Report, Vec<SeenError>) {
        let errors = self.clients.stop().await;
        self.nodes.have_not_panicked();
        (self.provider.stop(), errors)
    }
}

fn site(network: &Network, node: usize, flags: Vec<String>) -> Site {
    let host = network.address(End::Node(node));
    Site {
        start: network.inside(node, program()),
        listens: PORTS.map(|port| SocketAddr::new(host, port)),
        flags: flags.into_iter().chain(["--insecure".into()]).collect(),
        secret: Some(SECRET.into()),
    }
}

/// What starts a node whose clock is off by so much from a time on, in nanoseconds since the Unix epoch: see [`super::node`].
pub(super) fn with_clock(network: &Network, node: usize, ahead_ms: i64, from_ns: u64) -> Vec<OsString> {
    let mut start = network.inside(node, &chaos());
    start.extend(["node".into(), ahead_ms.to_string().into(), from_ns.to_string().into()]);
    start
}

/// The program `chaos`, which is this one or beside it.
fn chaos() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let beside = this.parent().expect("a directory");
    let out = if beside.ends_with("deps") { beside.parent().expect("target/PROFILE") } else { beside };
    out.join("chaos")
}

async fn create(nodes: &Nodes, id: &str, permits: u32, window_ms: u64) {
    let window = prost_types::Duration::try_from(Duration::from_millis(window_ms)).ok();
    let limit = v1::Limit { limit_id: "window".into(), permits, window, ..v1::Limit::default() };
    let request = v1::CreateWorkspaceRequest {
        workspace_id: id.into(),
        workspace: Some(v1::Workspace {
            preset: "intercom".into(),
            limits: vec![limit],
            ..v1::Workspace::default()
        }),
        ..v1::CreateWorkspaceRequest::default()
    };
    let mut admin: AdminServiceClient<Channel> = AdminServiceClient::new(nodes.channel(0));
    admin.create_workspace(nodes.bearing(request)).await.expect("a new workspace");
}
