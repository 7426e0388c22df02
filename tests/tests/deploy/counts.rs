//! Metrics of what went wrong: they count what a client saw.

use apportion_proto::v1::{AcquireLeaseRequest, Observation, SettleLeaseRequest};
use apportion_tests::process::server::Server;
use apportion_tests::process::wire::{Client, seconds};

/// The value of the one series that starts so.
async fn value(server: &Server, series: &str) -> String {
    let page = server.page("/metrics").await;
    let mut values = page.lines().filter_map(|line| line.strip_prefix(series));
    let value = values.next().unwrap_or_else(|| panic!("no {series} in {page}")).trim().to_string();
    assert_eq!(values.next(), None, "{series} is there once");
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttle_and_the_refusal_that_follows_are_counted_by_limit_and_by_reason() {
    let server = Server::fresh();
    let mut client = Client::new(server.channel());
    let request = AcquireLeaseRequest { max_wait: Some(seconds(0)), ..AcquireLeaseRequest::default() };
    let lease = client.acquire_lease(request.clone()).await.expect("a lease").into_inner().lease;
    let throttles = r#"apportion_throttles_total{workspace="default",limit="per-10s"}"#;
    assert_eq!(value(&server, throttles).await, "0");
    let throttled = Observation { status: 429, throttled: true, ..Observation::default() };
    let report = SettleLeaseRequest {
        lease_id: lease.expect("a lease").lease_id,
        used_permits: 1,
        observations: vec![throttled],
        ..SettleLeaseRequest::default()
    };
    client.settle_lease(report).await.expect("it is settled");
    client.acquire_lease(request).await.expect_err("nothing is granted in this window, and it does not wait");
    assert_eq!(value(&server, throttles).await, "1");
    let refusals = r#"apportion_refusals_total{workspace="default",reason="DEADLINE_TOO_SHORT"}"#;
    assert_eq!(value(&server, refusals).await, "1");
    let writes: u64 = value(&server, "apportion_store_write_seconds_count").await.parse().expect("a count");
    assert!(writes >= 1, "the permit was booked by a write");
    assert_eq!(value(&server, "apportion_store_failures_total").await, "0");
}
