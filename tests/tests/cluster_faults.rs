//! Nodes of one cluster on a real etcd, under load: they are killed, paused, restarted and cut off from etcd, and the provider never
//! counts more than its limit.

use std::time::{Duration, Instant};

use apportion_tests::etcd::Etcd;
use apportion_tests::process::child::Signal;
use apportion_tests::process::load::Load;
use apportion_tests::process::log::Log;
use apportion_tests::process::nodes::Nodes;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass};
use apportion_tests::provider::{Provider, Rules};

/// Longest time from the death of an owner to the next grant of another node.
const TAKE_OVER: Duration = Duration::from_secs(4);
/// Longest time from the pause of an owner to the next grant of another node.
const TAKE_OVER_PAUSED: Duration = Duration::from_secs(6);

/// Workers that use their leases at once, and some that keep them, so that most outlive their node.
const STEADY: [Workload; 2] = [
    Workload { workers: 2, permits: 1, rest: Duration::from_millis(100), ..Workload::BUSY },
    Workload { workers: 3, permits: 1, keep: Duration::from_secs(9), ..Workload::BUSY },
];

fn provider() -> Provider {
    Provider::start(Rules { latency_ms: 5, ..Rules::default() }).expect("a provider")
}

/// A load through each of some nodes.
struct Loads(Vec<Load>);

impl Loads {
    fn start(nodes: &Nodes, provider: &Provider, through: &[usize]) -> Self {
        let load = |&node: &usize| Load::start(nodes.channel(node), provider.address(), &STEADY);
        Self(through.iter().map(load).collect())
    }

    /// Stops all of them and judges the provider's count.
    async fn judge(self, provider: Provider) -> Vec<Log> {
        let mut logs = Vec::new();
        for load in self.0 {
            logs.push(load.stop().await);
        }
        nothing_throttled(&provider.stop());
        logs
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_through_any_node_is_decided_by_the_owner_and_another_one_takes_over_when_it_is_killed() {
    let etcd = Etcd::single().await;
    let (mut nodes, provider) = (Nodes::start(&etcd, 2).await, provider());
    pass(Duration::from_secs(2)).await;
    let owner = nodes.owner(0).await;
    assert_eq!(nodes.owner(1).await, owner, "both name the same owner");
    let other = nodes.other(owner);
    let loads = Loads::start(&nodes, &provider, &[other]);
    pass(Duration::from_secs(3)).await;
    nodes.kill(owner);
    let took = nodes.serves(other).await;
    println!("a grant {took:?} after the owner was killed");
    assert!(took <= TAKE_OVER, "{took:?}");
    assert_eq!(nodes.owner(other).await, other);
    pass(Duration::from_secs(3)).await;
    loads.judge(provider).await;
    nodes.have_not_panicked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_window_is_overdrawn_while_owners_and_others_are_killed() {
    let etcd = Etcd::single().await;
    let (mut nodes, provider) = (Nodes::start(&etcd, 3).await, provider());
    let loads = Loads::start(&nodes, &provider, &[0, 1, 2]);
    let mut slowest = Duration::ZERO;
    for kill in 0..6 {
        pass(Duration::from_millis(1_200)).await;
        let owner = nodes.owner(nodes.other(3)).await;
        // Two of three times the owner.
        let killed = if kill % 3 == 2 { nodes.other(owner) } else { owner };
        nodes.kill(killed);
        slowest = slowest.max(nodes.serves(nodes.other(killed)).await);
        nodes.start_again(killed).await;
        loads.0[killed].switch_to(nodes.channel(killed));
    }
    println!("at the latest {slowest:?} after a node was killed there was a grant");
    loads.judge(provider).await;
    nodes.have_not_panicked();
    assert!(slowest <= TAKE_OVER, "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_shows_no_error_to_any_client() {
    let etcd = Etcd::single().await;
    let (mut nodes, provider) = (Nodes::start(&etcd, 3).await, provider());
    pass(Duration::from_secs(2)).await;
    let loads = Loads::start(&nodes, &provider, &[0, 1, 2]);
    for node in 0..3 {
        pass(Duration::from_secs(1)).await;
        // Clients know more than one node: theirs leaves, so they go to another one.
        loads.0[node].switch_to(nodes.channel(nodes.other(node)));
        let started = Instant::now();
        nodes.stop(node).await;
        println!("node {node} stopped in {:?}", started.elapsed());
        nodes.start_again(node).await;
        loads.0[node].switch_to(nodes.channel(node));
    }
    pass(Duration::from_secs(2)).await;
    let logs = loads.judge(provider).await;
    let refused: Vec<_> = logs.iter().flat_map(|log| &log.refusals).collect();
    let refused: Vec<_> =
        refused.iter().filter(|refused| refused.code != tonic::Code::ResourceExhausted).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    nodes.have_not_panicked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_paused_grants_nothing_too_much_when_it_goes_on() {
    let etcd = Etcd::single().await;
    let (nodes, provider) = (Nodes::start(&etcd, 3).await, provider());
    pass(Duration::from_secs(2)).await;
    let loads = Loads::start(&nodes, &provider, &[0, 1, 2]);
    for paused in [1, 5] {
        pass(Duration::from_secs(1)).await;
        let owner = nodes.owner(0).await;
        let other = nodes.other(owner);
        nodes.server(owner).pause();
        let started = Instant::now();
        nodes.serves(other).await;
        let took = started.elapsed();
        println!("a grant {took:?} after the owner was paused");
        pass(Duration::from_secs(paused).saturating_sub(took)).await;
        nodes.server(owner).signal(Signal::CONT);
        assert!(took <= TAKE_OVER_PAUSED, "{took:?}");
    }
    pass(Duration::from_secs(3)).await;
    loads.judge(provider).await;
    nodes.have_not_panicked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_etcd_only_what_is_booked_is_granted_and_it_goes_on_by_itself() {
    let etcd = Etcd::single().await;
    let (nodes, provider) = (Nodes::start(&etcd, 2).await, provider());
    pass(Duration::from_secs(2)).await;
    let loads = Loads::start(&nodes, &provider, &[0, 1]);
    pass(Duration::from_secs(2)).await;
    etcd.pause(0);
    pass(Duration::from_secs(5)).await;
    etcd.go_on(0);
    for node in 0..2 {
        let took = nodes.serves(node).await;
        println!("node {node} granted {took:?} after etcd was back");
    }
    pass(Duration::from_secs(3)).await;
    loads.judge(provider).await;
    nodes.have_not_panicked();
}
