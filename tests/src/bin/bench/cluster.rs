//! Nodes of a cluster on an etcd of one member: what a forwarded call costs, what is written to etcd, how fast shards are taken over.

use crate::measure::median;
use crate::row::row;
use crate::service::{Figures, WORKSPACE, acquire, connect, create, fill_store, measure_all};
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_server::store::Etcd as EtcdStore;
use apportion_server::store::etcd::EtcdSettings;
use apportion_tests::etcd::Etcd;
use apportion_tests::process::nodes::Nodes;
use apportion_tests::process::server::page;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::transport::Channel;

const RUNS: usize = 5;
/// Calls in flight.
const IN_FLIGHT: usize = 64;
/// Permits of a window that never run out.
const PLENTY: u32 = 268_435_456;
/// How many workspaces are busy at a time, and how often each asks.
const BUSY: [usize; 3] = [1, 100, 1_000];
const EVERY: Duration = Duration::from_millis(500);
/// How long writes are counted.
const SPAN: Duration = Duration::from_secs(10);
/// Idle workspaces of the cluster whose node dies.
const IDLE: usize = 20_000;
/// Workspaces of one transaction: etcd takes 128 operations, and each has three keys.
const AT_ONCE: usize = 20;
/// How many of those that are taken over are asked for.
const SAMPLES: usize = 200;
/// How many shards there are.
const SHARDS: u64 = 64;

/// Measures everything, and prints it.
pub(crate) fn table() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    println!();
    println!("{:<52} {:>14}   aim", "a cluster on etcd", "measured");
    runtime.block_on(async {
        forwarded().await;
        three_against_one().await;
        writes().await;
        one_of_many().await;
        taken_over().await;
    });
}

fn addresses(nodes: &Nodes, count: usize) -> Vec<SocketAddr> {
    (0..count).map(|node| nodes.server(node).address()).collect()
}

fn pids(nodes: &Nodes, count: usize) -> Vec<u32> {
    (0..count).map(|node| nodes.server(node).pid()).collect()
}

/// The node of a cluster that owns a workspace, by what it says to a call.
async fn owner(nodes: &Nodes, workspace: &str) -> usize {
    let channel = nodes.channel(0);
    loop {
        let answer =
            QuotaServiceClient::new(channel.clone()).acquire_lease(acquire(workspace, "bench")).await;
        let named = answer.ok().and_then(|answer| {
            let hint = answer.metadata().get("apportion-owner")?.to_str().ok()?;
            hint.split(';').next()?.strip_prefix("node-")?.parse().ok()
        });
        if let Some(node) = named {
            return node;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until shards no longer move.
async fn settled() {
    tokio::time::sleep(Duration::from_secs(8)).await;
}

async fn forwarded() {
    let etcd = Etcd::single().await;
    let nodes = Nodes::start(&etcd, 2).await;
    create(nodes.channel(0), WORKSPACE, PLENTY, 3_600_000).await;
    settled().await;
    let owner = owner(&nodes, WORKSPACE).await;
    let (all, pids) = (addresses(&nodes, 2), pids(&nodes, 2));
    let mut ratios = Vec::new();
    for _ in 0..RUNS {
        let local = measure_all(&all[owner..=owner], &pids, IN_FLIGHT).await;
        let other = measure_all(&all[1 - owner..2 - owner], &pids, IN_FLIGHT).await;
        ratios.push(local.per_cpu_second / other.per_cpu_second);
    }
    row(
        "processor time of a forwarded call, a local one is 1",
        format!("{:.2}", median(ratios)),
        "at most 2.2",
    );
}

async fn three_against_one() {
    let mut figures: BTreeMap<usize, Figures> = BTreeMap::new();
    for count in [1, 3] {
        let etcd = Etcd::single().await;
        let nodes = Nodes::start(&etcd, count).await;
        create(nodes.channel(0), WORKSPACE, PLENTY, 3_600_000).await;
        settled().await;
        let (all, pids) = (addresses(&nodes, count), pids(&nodes, count));
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(measure_all(&all, &pids, IN_FLIGHT).await);
        }
        let of = |figure: fn(&Figures) -> f64| median(runs.iter().map(figure).collect());
        let (per_second, per_cpu_second) = (of(|run| run.per_second), of(|run| run.per_cpu_second));
        figures.insert(count, Figures { per_second, per_cpu_second, ..Figures::default() });
    }
    let (one, three) = (figures[&1], figures[&3]);
    let what = "calls a second, three nodes in turn, one is 1";
    row(what, format!("{:.2}", three.per_second / one.per_second), "");
    let each = three.per_cpu_second / one.per_cpu_second;
    row("  the same a processor second", format!("{each:.2}"), "");
}

/// What etcd has counted so far: transactions and bytes that clients sent.
async fn counted(etcd: &Etcd) -> (f64, f64) {
    let address = etcd.addresses()[0].parse().expect("an address");
    let page = page(address, "/metrics").await;
    let of = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse::<f64>().ok())
            .unwrap_or_else(|| panic!("no {name} in {page}"))
    };
    (of("etcd_mvcc_txn_total"), of("etcd_network_client_grpc_received_bytes_total"))
}

/// Lets workspaces be busy for a while. Returns transactions a second, and bytes a transaction.
async fn busy(etcd: &Etcd, channel: &Channel, names: &[String]) -> (f64, f64) {
    let begun = Instant::now();
    let before = counted(etcd).await;
    let spread = EVERY / u32::try_from(names.len().max(1)).expect("few");
    let asks = names.iter().enumerate().map(|(number, name)| async move {
        tokio::time::sleep(spread * u32::try_from(number).expect("few")).await;
        let mut ticks = tokio::time::interval(EVERY);
        while begun.elapsed() < SPAN {
            ticks.tick().await;
            let mut client = QuotaServiceClient::new(channel.clone());
            client.acquire_lease(acquire(name, "bench")).await.expect("a lease");
        }
    });
    tokio::join!(join_all(asks), tokio::time::sleep(SPAN));
    let (seconds, after) = (begun.elapsed().as_secs_f64(), counted(etcd).await);
    let transactions = after.0 - before.0;
    (transactions / seconds, (after.1 - before.1) / transactions)
}

async fn writes() {
    let etcd = Etcd::single().await;
    let nodes = Nodes::start(&etcd, 1).await;
    let channel = nodes.channel(0);
    let names: Vec<_> = (0..BUSY[BUSY.len() - 1]).map(|number| format!("busy-{number}")).collect();
    for names in names.chunks(32) {
        join_all(names.iter().map(|name| create(channel.clone(), name, 100, 10_000))).await;
    }
    settled().await;
    let (idle, _) = busy(&etcd, &channel, &[]).await;
    row("transactions of etcd a second, nothing busy", format!("{idle:.1}"), "");
    for count in BUSY {
        let (a_second, bytes) = busy(&etcd, &channel, &names[..count]).await;
        let what = format!("  {count} busy workspaces, each twice a second");
        let each = (a_second - idle).max(0.0) / count as f64;
        row(&what, format!("{a_second:.1}"), "about one a workspace");
        row("    for each workspace; bytes each", format!("{each:.2}; {bytes:.0}"), "");
    }
}

/// The shard of a workspace: the server's hash, which never changes.
fn shard(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % SHARDS
}

/// What a write of one workspace is like if its shard holds only that, or a thousand.
async fn one_of_many() {
    let mut names = (0..).map(|number| format!("w-{number}")).filter(|name| shard(name) == 7);
    let mut sizes = Vec::new();
    for count in [1, 1_000] {
        let etcd = Etcd::single().await;
        let nodes = Nodes::start(&etcd, 1).await;
        let channel = nodes.channel(0);
        let names: Vec<_> = names.by_ref().take(count).collect();
        for names in names.chunks(32) {
            join_all(names.iter().map(|name| create(channel.clone(), name, 100, 10_000))).await;
        }
        settled().await;
        sizes.push(busy(&etcd, &channel, &names[..1]).await.1);
    }
    let text = format!("{:.0}; {:.0}", sizes[0], sizes[1]);
    row("bytes a transaction, 1 and 1000 workspaces in a shard", text, "the same");
}

async fn taken_over() {
    let etcd = Etcd::single().await;
    let settings = EtcdSettings { options: etcd.options(), cluster: "try".into() };
    // Calls of the store block.
    let filled = tokio::task::spawn_blocking(move || {
        let store = Arc::new(EtcdStore::open(&settings).expect("it opens"));
        fill_store(store, IDLE, AT_ONCE);
    });
    filled.await.expect("no panic");
    let mut nodes = Nodes::start(&etcd, 2).await;
    settled().await;
    let mut of_dead = Vec::new();
    for name in (0..SAMPLES * 2).map(|number| format!("idle-{}", number * (IDLE / SAMPLES / 2))) {
        if owner(&nodes, &name).await == 1 {
            of_dead.push(name);
        }
    }
    let channel = connect(nodes.server(0).address()).await;
    let share = IDLE * of_dead.len() / (SAMPLES * 2);
    nodes.kill(1);
    let killed = Instant::now();
    let asks = of_dead.iter().map(|name| async {
        while QuotaServiceClient::new(channel.clone()).acquire_lease(acquire(name, "bench")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        killed.elapsed().as_secs_f64()
    });
    let took = join_all(asks).await;
    let (first, last) = took.iter().fold((f64::MAX, 0.0_f64), |(low, high), &at| (low.min(at), high.max(at)));
    row(&format!("a node with {share} idle workspaces killed"), format!("{last:.2} s"), "");
    row("  from the first grant of one to the last", format!("{:.2} s", last - first), "at most 1 s");
}
