//! Unary calls: one lease of one permit each, settled in batches, as the client does.

use super::cores::processor_time;
use super::setup::{WORKSPACE, acquire, connect, used};
use apportion_proto::v1;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use futures_util::future::join_all;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tonic::transport::Channel;

/// Connections that the calls are spread over.
const CONNECTIONS: usize = 8;
const CALLER: &str = "bench";
/// Leases that are settled with one call.
const BATCH: usize = 256;
/// The length of one measurement.
const SPAN: Duration = Duration::from_millis(1_500);

/// The cost of calls.
#[derive(Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Leases acquired per second of the server's processor time.
    pub(crate) per_cpu_second: f64,
    /// Leases acquired per second.
    pub(crate) per_second: f64,
    /// The mean latency of a call, in microseconds.
    pub(crate) microseconds: f64,
}

/// Measures a server with so many calls in flight.
pub(crate) async fn measure(address: SocketAddr, pid: u32, in_flight: usize) -> Figures {
    measure_all(&[address], &[pid], in_flight).await
}

/// Measures the processes of a service that is reached at several addresses.
pub(crate) async fn measure_all(addresses: &[SocketAddr], pids: &[u32], in_flight: usize) -> Figures {
    let connections = CONNECTIONS.min(in_flight);
    let channels =
        join_all(addresses.iter().cycle().take(connections).map(|&address| connect(address))).await;
    let processor_time = || pids.iter().map(|&pid| processor_time(pid)).sum::<u64>();
    let load = Load { until: Cell::new(Instant::now() + SPAN / 5), done: Cell::new(0) };
    load.run(&channels, in_flight).await;
    let begun = Instant::now();
    load.until.set(begun + SPAN);
    let before = (processor_time(), load.done.get());
    load.run(&channels, in_flight).await;
    let done = (load.done.get() - before.1) as f64;
    Figures {
        per_cpu_second: done * 1e9 / (processor_time() - before.0) as f64,
        per_second: done / begun.elapsed().as_secs_f64(),
        microseconds: begun.elapsed().as_secs_f64() * 1e6 * in_flight as f64 / done,
    }
}

struct Load {
    until: Cell<Instant>,
    done: Cell<u64>,
}

impl Load {
    async fn run(&self, channels: &[Channel], in_flight: usize) {
        join_all(channels.iter().map(|channel| self.connection(channel, in_flight / channels.len()))).await;
    }

    /// Callers that share a connection, and settle together.
    async fn connection(&self, channel: &Channel, callers: usize) {
        let used = RefCell::new(Vec::new());
        join_all((0..callers).map(|_| self.caller(channel, &used))).await;
        let rest = used.take();
        if !rest.is_empty() {
            settle(channel, rest).await;
        }
    }

    async fn caller(&self, channel: &Channel, to_settle: &RefCell<Vec<v1::SettleLeaseRequest>>) {
        let mut client = QuotaServiceClient::new(channel.clone());
        while Instant::now() < self.until.get() {
            let answer =
                client.acquire_lease(acquire(WORKSPACE, CALLER)).await.expect("a lease").into_inner();
            self.done.set(self.done.get() + 1);
            to_settle.borrow_mut().push(used(CALLER, answer.lease.expect("a lease").lease_id));
            if to_settle.borrow().len() >= BATCH {
                let batch = to_settle.take();
                settle(channel, batch).await;
            }
        }
    }
}

async fn settle(channel: &Channel, requests: Vec<v1::SettleLeaseRequest>) {
    let count = requests.len();
    let request = v1::BatchSettleLeasesRequest { requests };
    let answer = QuotaServiceClient::new(channel.clone()).batch_settle_leases(request).await;
    let outcomes = answer.expect("outcomes").into_inner().outcomes;
    let settled = |outcome: &v1::SettleOutcome| {
        matches!(outcome.outcome, Some(v1::settle_outcome::Outcome::Settled(_)))
    };
    assert!(outcomes.len() == count && outcomes.iter().all(settled), "a lease is not settled");
}
