//! Runs three nodes on an etcd of three members, with services that call a simulated provider through them, until it is interrupted.
//! A node that dies is started again, so that whoever watches may kill what they like.

use std::time::{Duration, Instant};

use apportion_tests::etcd::Etcd;
use apportion_tests::process::load::Load;
use apportion_tests::process::nodes::Nodes;
use apportion_tests::process::pass;
use apportion_tests::process::program::program;
use apportion_tests::process::worker::Workload;
use apportion_tests::provider::{Provider, Rules};

const NODES: usize = 3;
/// How often a line is printed.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long a node that has died stays away.
const AWAY: Duration = Duration::from_secs(8);
/// The services of each node.
const SERVICES: Workload =
    Workload { workers: 4, permits: 2, rest: Duration::from_millis(250), ..Workload::BUSY };

/// Services that ask one of the nodes, and another one while that is away.
struct Services {
    load: Load,
    /// Since when their node is away.
    away_since: Option<Instant>,
}

struct Show {
    nodes: Nodes,
    services: Vec<Services>,
    provider: Provider,
    started: Instant,
}

impl Show {
    async fn start(etcd: &Etcd) -> Result<Self, String> {
        let provider = Provider::start(Rules { latency_ms: 20, ..Rules::default() });
        let provider = provider.map_err(|error| format!("the simulated provider: {error}"))?;
        let nodes = Nodes::start(etcd, NODES).await;
        let services = (0..NODES).map(|node| Services {
            load: Load::start(nodes.channel(node), provider.address(), &[SERVICES]),
            away_since: None,
        });
        let services = services.collect();
        Ok(Self { services, nodes, provider, started: Instant::now() })
    }

    fn greet(&self) {
        let program = program().display();
        for node in 0..NODES {
            let server = self.nodes.server(node);
            println!("node-{node}: gRPC on {}, process {}", server.address(), server.pid());
        }
        let first = self.nodes.server(0);
        println!("\nthrough any node, in another terminal:");
        println!("  {program} top --server http://{}", first.address());
        println!("  {program} team list default --server http://{}", first.address());
        println!("and then kill a node, best the owner, with SIGKILL or SIGTERM, or freeze it with SIGSTOP:");
        println!("  kill -9 {}", first.pid());
        println!("What is killed comes back after {} s. Ctrl-C ends everything.\n", AWAY.as_secs());
    }

    /// Goes on until it is interrupted.
    async fn go_on(&mut self) {
        let mut before = self.granted();
        loop {
            tokio::select! {
                () = pass(INTERVAL) => {}
                _ = tokio::signal::ctrl_c() => return,
            }
            for node in 0..NODES {
                self.look_after(node).await;
            }
            let granted = self.granted();
            self.print(granted - before).await;
            before = granted;
        }
    }

    /// Starts a node again that has been away for long enough. Its services go to another one meanwhile.
    async fn look_after(&mut self, node: usize) {
        if self.nodes.has_ended(node) {
            println!("node-{node} has ended");
            self.nodes.forget(node);
            self.services[node].away_since = Some(Instant::now());
            if let Some(other) = self.nodes.any() {
                self.services[node].load.switch_to(self.nodes.channel(other));
            }
        } else if self.services[node].away_since.is_some_and(|since| since.elapsed() > AWAY) {
            self.nodes.start_again(node).await;
            self.services[node].away_since = None;
            self.services[node].load.switch_to(self.nodes.channel(node));
            let server = self.nodes.server(node);
            println!("node-{node} is back: gRPC on {}, process {}", server.address(), server.pid());
        }
    }

    fn granted(&self) -> u32 {
        self.services.iter().map(|services| services.load.log().granted()).sum()
    }

    async fn print(&self, granted: u32) {
        let report = self.provider.report();
        let owner = match self.nodes.any() {
            Some(asked) => format!("node-{}", self.nodes.owner(asked).await),
            None => "nobody".into(),
        };
        println!(
            "{:>4} s  owner {owner}  {granted:>3} permits granted  the provider counted {} of {} in this window, {} too many so far",
            self.started.elapsed().as_secs(),
            report.open.tally.accepted,
            report.open.limit,
            report.total.over_limit,
        );
    }
}

#[tokio::main]
async fn main() -> Result<(), String> {
    println!("starting three members of etcd, and three nodes");
    let etcd = Etcd::three().await;
    let mut show = Show::start(&etcd).await?;
    show.greet();
    show.go_on().await;
    Ok(())
}
