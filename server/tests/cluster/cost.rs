//! What passing a call on costs.

use crate::nodes::Nodes;
use apportion_proto::v1;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rustix::time::{ClockId, clock_gettime};
use tonic::transport::Endpoint;

/// Calls of one measurement, and how many are in flight at once.
const CALLS: usize = 10_000;
const AT_ONCE: usize = 64;

fn cpu_ms(clock: ClockId) -> f64 {
    let now = clock_gettime(clock);
    f64::from(i32::try_from(now.tv_sec).expect("a short run")) * 1e3 + now.tv_nsec as f64 / 1e6
}

/// The processor time of the servers for so many leases through the node at this address, in milliseconds.
fn measured(address: String) -> f64 {
    let client = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
            let client = QuotaServiceClient::new(endpoint.connect().await.expect("it listens"));
            let before = (cpu_ms(ClockId::ProcessCPUTime), cpu_ms(ClockId::ThreadCPUTime));
            let call = || {
                let mut client = client.clone();
                let request = v1::AcquireLeaseRequest { workspace: "large".into(), ..Default::default() };
                async move { client.acquire_lease(request).await.expect("granted") }
            };
            let mut calls: FuturesUnordered<_> = (0..AT_ONCE).map(|_| call()).collect();
            for begun in AT_ONCE.. {
                if calls.next().await.is_none() {
                    break;
                }
                if begun < CALLS {
                    calls.push(call());
                }
            }
            let process = cpu_ms(ClockId::ProcessCPUTime) - before.0;
            process - (cpu_ms(ClockId::ThreadCPUTime) - before.1)
        })
    });
    client.join().expect("it does not panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_through_another_node_costs_little_more_than_twice_as_much() {
    let nodes = Nodes::start(2).await;
    let limit = v1::Limit {
        limit_id: "all".into(),
        permits: 1 << 28,
        window: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
        ..Default::default()
    };
    let workspace = Some(v1::Workspace { limits: vec![limit], ..Default::default() });
    let create = v1::CreateWorkspaceRequest { workspace_id: "large".into(), workspace, ..Default::default() };
    nodes.admin(1).create_workspace(create).await.expect("created");
    let of = async |node| {
        let address = nodes.client_address(node);
        tokio::task::spawn_blocking(move || measured(address)).await.expect("it does not panic")
    };
    of(0).await; // connects
    of(1).await;
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let (direct, passed) = (of(0).await, of(1).await);
        ratios.push(passed / direct);
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[2] < 3.0, "a call that is passed on costs {ratios:.2?} times as much");
}
