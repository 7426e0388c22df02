//! Nodes of one cluster: each a server of its own process, on a real etcd.

use std::time::{Duration, Instant};

use apportion_proto::v1::{AcquireLeaseRequest, WatchWorkspaceRequest};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::pass;
use super::server::Server;
use super::site::Site;
use super::wire::{Client, seconds};
use crate::etcd::Etcd;

/// Longest time until a node answers a request that does not wait.
const ANSWER: Duration = Duration::from_secs(1);
/// Longest time until something that is waited for has happened.
const PATIENCE: Duration = Duration::from_secs(30);

/// The nodes of a cluster, by number; those that do not run are absent.
#[derive(Debug)]
pub struct Nodes {
    store: String,
    sites: Vec<Site>,
    servers: Vec<Option<Server>>,
}

impl Nodes {
    /// Starts so many nodes, and waits until each decides, or passes on, a request for a lease.
    pub async fn start(etcd: &Etcd, count: usize) -> Self {
        Self::start_at(etcd, vec![Site::loopback(); count], count).await
    }

    /// Starts the first nodes of those that have these sites, and waits until each decides, or passes on, a request for a lease.
    pub async fn start_at(etcd: &Etcd, sites: Vec<Site>, count: usize) -> Self {
        let servers = sites.iter().map(|_| None).collect();
        let mut nodes = Self { store: etcd.url(), sites, servers };
        for node in 0..count {
            nodes.start_again(node).await;
        }
        nodes
    }

    /// Where a node runs.
    pub fn site_mut(&mut self, node: usize) -> &mut Site {
        &mut self.sites[node]
    }

    /// A request with the secret of an administrator, where callers need one.
    pub fn bearing<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(secret) = &self.sites[0].secret {
            let header = format!("Bearer {secret}").parse().expect("printable");
            request.metadata_mut().insert("authorization", header);
        }
        request
    }

    /// Whether a node runs.
    pub fn runs(&self, node: usize) -> bool {
        self.servers[node].is_some()
    }

    /// Starts a node that does not run, and waits until it decides, or passes on, a request.
    pub async fn start_again(&mut self, node: usize) {
        assert!(self.servers[node].is_none(), "it runs");
        self.servers[node] = Some(Server::start_at(&self.sites[node], &self.store, &name(node)));
        self.serves(node).await;
    }

    /// A node that runs.
    pub fn server(&self, node: usize) -> &Server {
        self.servers[node].as_ref().expect("it runs")
    }

    /// A channel to a node that runs.
    pub fn channel(&self, node: usize) -> Channel {
        self.server(node).channel()
    }

    /// Kills a node.
    pub fn kill(&mut self, node: usize) {
        self.servers[node].take().expect("it runs").kill();
    }

    /// Stops a node gracefully. Fails if it takes too long or exits with an error.
    pub async fn stop(&mut self, node: usize) {
        let server = self.servers[node].take().expect("it runs");
        tokio::task::spawn_blocking(move || server.stop_cleanly()).await.expect("it stops");
    }

    /// Requests one permit of the workspace `default` through a node, and does not wait for it.
    async fn ask(&self, node: usize) -> Result<(), Status> {
        let max_wait = Some(seconds(0));
        let mut request = self.bearing(AcquireLeaseRequest { max_wait, ..AcquireLeaseRequest::default() });
        request.set_timeout(ANSWER);
        Client::new(self.channel(node)).acquire_lease(request).await.map(|_| ())
    }

    /// Waits until a node answers a request, and returns how long that took. A refusal for want of permits is an answer too.
    pub async fn serves(&self, node: usize) -> Duration {
        let started = Instant::now();
        loop {
            match self.ask(node).await {
                Ok(_) => return started.elapsed(),
                Err(status) if status.code() == tonic::Code::ResourceExhausted => return started.elapsed(),
                Err(status) => assert!(started.elapsed() < PATIENCE, "node {node} does not serve: {status}"),
            }
            pass(Duration::from_millis(5)).await;
        }
    }

    /// The node that owns the workspace `default`, as a node names it.
    pub async fn owner(&self, asked: usize) -> usize {
        let started = Instant::now();
        loop {
            let mut client = Client::new(self.channel(asked));
            let watch = client.watch_workspace(self.bearing(WatchWorkspaceRequest::default()));
            let answer = tokio::time::timeout(ANSWER, watch).await.ok().and_then(Result::ok);
            let owner =
                answer.as_ref().and_then(|answer| answer.metadata().get("apportion-owner")?.to_str().ok());
            let named = owner.and_then(|owner| owner.split(';').next()?.strip_prefix("node-")?.parse().ok());
            if let Some(node) = named {
                return node;
            }
            assert!(started.elapsed() < PATIENCE, "node {asked} names no owner");
            pass(Duration::from_millis(20)).await;
        }
    }

    /// The number of some node that runs and is not this one.
    pub fn other(&self, than: usize) -> usize {
        let other = (0..self.servers.len()).find(|&node| node != than && self.servers[node].is_some());
        other.expect("another node runs")
    }

    /// The number of some node that runs.
    pub fn any(&self) -> Option<usize> {
        self.servers.iter().position(Option::is_some)
    }

    /// Whether a node that was started has ended by itself.
    pub fn has_ended(&mut self, node: usize) -> bool {
        self.servers[node].as_mut().is_some_and(Server::has_ended)
    }

    /// Gives up a node that has ended.
    pub fn forget(&mut self, node: usize) {
        self.servers[node] = None;
    }

    /// Fails if a thread of any node has panicked.
    pub fn have_not_panicked(&self) {
        self.servers.iter().flatten().for_each(Server::has_not_panicked);
    }
}

fn name(node: usize) -> String {
    format!("node-{node}")
}
