//! The program on a store in etcd: one server at a time uses it, and the next one serves what the former left.

use apportion_proto::v1::AcquireLeaseRequest;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::etcd::Etcd;
use apportion_tests::process::program::program;
use apportion_tests::process::server::Server;
use std::process::Command;
use std::time::Duration;

async fn serves(server: &Server) {
    let mut client = QuotaServiceClient::new(server.channel());
    client.acquire_lease(AcquireLeaseRequest::default()).await.expect("it grants");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_at_a_time_uses_a_store_in_etcd() {
    let etcd = Etcd::single().await;
    let store = format!("etcd://{}", etcd.options().members.join(","));
    let first = Server::start_on_etcd(&store, "one");
    serves(&first).await;

    let refused = Command::new(program())
        .args(["serve", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
        .args(["--store", &store, "--cluster", "try", "--node", "two"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("\"one\" serves this cluster"), "{said}");

    first.kill();
    let second = Server::start_on_etcd(&store, "two");
    assert!(second.started_in < Duration::from_secs(10), "{:?}", second.started_in);
    serves(&second).await;
    second.stop_cleanly();
    // The key of a server that has stopped is gone at once.
    let third = Server::start_on_etcd(&store, "three");
    serves(&third).await;
    third.stop_cleanly();
}
