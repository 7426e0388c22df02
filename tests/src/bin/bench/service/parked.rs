//! Many requests that wait for one window: how long after its opening each is served.

use super::cores::on_server_core;
use super::setup::{acquire, connect, create};
use crate::row::row;
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_proto::v1::{AcquireLeaseRequest, ExchangeRequest};
use apportion_tests::process::server::Server;
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use tokio_stream::wrappers::UnboundedReceiverStream;

/// Waiting requests in all.
const WAITERS: usize = 10_000;
/// The connections that they share.
const CONNECTIONS: usize = 20;
const WORKSPACE: &str = "parked";
/// The length of a window.
const WINDOW: Duration = Duration::from_secs(10);
/// The default start margin, after which a window opens.
const START_MARGIN: Duration = Duration::from_millis(100);

/// Measures calls and streams.
pub(crate) async fn rows() {
    let data = tempfile::tempdir().expect("a directory");
    let server = on_server_core(|| Server::start(data.path()));
    let channel = connect(server.address()).await;
    let window_ms = i64::try_from(WINDOW.as_millis()).expect("a short window");
    create(channel, WORKSPACE, u32::try_from(WAITERS).expect("a few"), window_ms).await;
    // On this stack, the answers to ten thousand calls take one processor longer than that, so the aim is for streams.
    for (what, streams, aim) in [("Exchange", true, "at most 50 ms"), ("AcquireLease", false, "")] {
        let mut delays = woken(server.address(), streams).await;
        delays.sort_unstable();
        let at = |percent: usize| {
            format!("{:.1} ms", delays[delays.len() * percent / 100 - 1].as_secs_f64() * 1e3)
        };
        row(&format!("{WAITERS} waiting in {what}: served after, p99"), at(99), aim);
        row("  p50", at(50), "");
    }
}

/// Uses up a window, lets all requests wait for the next, and returns how long after its opening each was served.
async fn woken(address: SocketAddr, streams: bool) -> Vec<Duration> {
    use_up(address).await;
    let each = WAITERS / CONNECTIONS;
    let opening = opening_after(SystemTime::now());
    let waiting = (0..CONNECTIONS).map(|n| async move {
        let caller = format!("bench-{n}");
        if streams { by_stream(address, &caller, each).await } else { by_calls(address, &caller, each).await }
    });
    let served: Vec<SystemTime> = join_all(waiting).await.concat();
    served.into_iter().map(|at| at.duration_since(opening).unwrap_or_default()).collect()
}

/// Takes all that is left of a window that has just begun.
async fn use_up(address: SocketAddr) {
    let opening = opening_after(SystemTime::now()) + START_MARGIN;
    tokio::time::sleep(opening.duration_since(SystemTime::now()).unwrap_or_default()).await;
    let mut client = QuotaServiceClient::new(connect(address).await);
    let all = AcquireLeaseRequest {
        permits: Some(u32::try_from(WAITERS).expect("a few")),
        min_permits: Some(1),
        max_wait: Some(prost_types::Duration::default()),
        ..acquire(WORKSPACE, "bench")
    };
    let end = Instant::now() + Duration::from_secs(2);
    while client.acquire_lease(all.clone()).await.is_ok() {
        assert!(Instant::now() < end, "the window has no end");
    }
}

/// The next instant at which a window opens.
fn opening_after(now: SystemTime) -> SystemTime {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
    let length = WINDOW.as_millis();
    let start = u64::try_from((since / length + 1) * length).expect("a time");
    SystemTime::UNIX_EPOCH + Duration::from_millis(start) + START_MARGIN
}

fn patient(caller: &str) -> AcquireLeaseRequest {
    let max_wait = Some(prost_types::Duration { seconds: 15, nanos: 0 });
    AcquireLeaseRequest { max_wait, ..acquire(WORKSPACE, caller) }
}

async fn by_calls(address: SocketAddr, caller: &str, count: usize) -> Vec<SystemTime> {
    let channel = connect(address).await;
    let one = || async {
        QuotaServiceClient::new(channel.clone()).acquire_lease(patient(caller)).await.expect("a lease");
        SystemTime::now()
    };
    join_all((0..count).map(|_| one())).await
}

async fn by_stream(address: SocketAddr, caller: &str, count: usize) -> Vec<SystemTime> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    for id in 1..=count as u64 {
        let _ = sender.send(ExchangeRequest { id, request: Some(Request::Acquire(patient(caller).into())) });
    }
    let mut client = QuotaServiceClient::new(connect(address).await);
    let answers = client.exchange(UnboundedReceiverStream::new(receiver)).await.expect("a stream");
    let at = |answer: Result<apportion_proto::v1::ExchangeResponse, _>| {
        let response = answer.expect("an answer").response;
        assert!(matches!(response, Some(Response::Granted(_))), "not granted: {response:?}");
        SystemTime::now()
    };
    answers.into_inner().take(count).map(at).collect().await
}
