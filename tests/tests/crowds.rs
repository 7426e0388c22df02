//! Many clients with small demands: repeats, silent connections, readers that do not read. Honest clients are served meanwhile.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_tests::process::http2::{ACQUIRE, PREFACE, call, connect};
use apportion_tests::process::probe;
use apportion_tests::process::scarce;
use apportion_tests::process::server::Server;
use apportion_tests::process::status::reason;
use apportion_tests::process::wire::{Client, seconds};
use hyper::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Longest time for a decision on the request of an honest client.
const PATIENCE: Duration = Duration::from_secs(2);
const WATCH_HEALTH: &str = "/grpc.health.v1.Health/Watch";

/// A new client is decided on in time.
async fn is_served(server: &Server) {
    probe::is_served(&mut Client::new(server.channel()), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_of_a_request_are_bounded_and_harm_no_other_client() {
    let server = Server::fresh();
    scarce::create(&server).await;
    let mut repeats = JoinSet::new();
    for _ in 0..4 {
        let channel = server.channel();
        for _ in 0..500 {
            let mut client = Client::new(channel.clone());
            let ask = v1::AcquireLeaseRequest { request_id: "again".into(), ..scarce::ask(3_000) };
            repeats.spawn(async move { client.acquire_lease(ask).await.map(drop) });
        }
    }
    for _ in 0..2_000 - 16 {
        let answered = tokio::time::timeout(5 * PATIENCE, repeats.join_next()).await;
        let answered =
            answered.expect("all but 16 are refused in time").expect("there are more").expect("no panic");
        let status = answered.expect_err("a refusal");
        assert_eq!(reason(&status), "CALLER_QUEUE_FULL", "{status:?}");
    }
    assert_eq!(repeats.len(), 16);
    repeats.shutdown().await;
    let other = v1::AcquireLeaseRequest { team: "other".into(), ..scarce::ask(0) };
    let answer = tokio::time::timeout(PATIENCE, Client::new(server.channel()).acquire_lease(other)).await;
    let refused = answer.expect("an answer").expect_err("no permit is left");
    assert_eq!(reason(&refused), "DEADLINE_TOO_SHORT", "{refused:?}");
    server.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_a_call_gives_way_to_one_with_a_call() {
    let server = Server::fresh_with(&["--connections", "3"]);
    let mut silent = Vec::new();
    for bytes in [&b""[..], &PREFACE[..10], PREFACE] {
        for _ in 0..3 {
            let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
            stream.write_all(bytes).await.expect("sent");
            silent.push(stream);
        }
        is_served(&server).await;
    }
    // A call that needs no credential keeps no connection open, nor does one whose request does not come.
    let mut calls = Vec::new();
    for path in [WATCH_HEALTH, ACQUIRE] {
        for _ in 0..3 {
            let mut sender = connect(server.address()).await.ready().await.expect("it is open");
            calls.push(sender.send_request(without_request(path), path == WATCH_HEALTH).expect("sent"));
        }
        is_served(&server).await;
    }
    server.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_has_a_time_limit_to_start_and_to_be_idle_and_none_during_a_call() {
    let server = Server::fresh_with(&["--arrival-seconds", "1", "--idle-seconds", "3"]);
    scarce::create(&server).await;
    let address = server.address();
    let nothing = closes(address, b"");
    let half = closes(address, &PREFACE[..10]);
    let idle = closes(address, PREFACE);
    let (nothing, half, idle, late, open) =
        tokio::join!(nothing, half, idle, unsent(address), still_waits(&server, Duration::from_secs(6)));
    for (what, took, least, most) in
        [("without a preface", nothing, 1, 3), ("with half a preface", half, 1, 3), ("idle", idle, 3, 6)]
    {
        let seconds = took.as_secs_f64();
        assert!((f64::from(least)..f64::from(most)).contains(&seconds), "{what}: closed after {seconds} s");
    }
    assert!((1.0..3.0).contains(&late.as_secs_f64()), "a request that does not come: {late:?}");
    assert!(open, "a connection with a call that waits was closed");
    server.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_do_not_read_block_neither_health_checks_nor_scrapes() {
    let server = Server::fresh();
    let mut silent = Vec::new();
    for bytes in [&b""[..], b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"] {
        for _ in 0..100 {
            let mut stream = TcpStream::connect(server.http_address()).await.expect("a connection");
            // The oldest are closed meanwhile.
            let _ = stream.write_all(bytes).await;
            silent.push(stream);
        }
        for path in ["/healthz", "/metrics"] {
            let answered = tokio::time::timeout(5 * PATIENCE, is_answered(&server, path)).await;
            answered.unwrap_or_else(|_| panic!("{path}: no response"));
        }
    }
    server.stop_cleanly();
}

/// Asks until the answer is the page: a scrape gives way to those that are accepted after it, and asks again.
async fn is_answered(server: &Server, path: &str) {
    loop {
        let answer = server.page(path).await;
        if answer.starts_with("HTTP/1.1 200") {
            return;
        }
        assert!(answer.starts_with("HTTP/1.1 503"), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_and_watchers_are_bounded_by_the_settings() {
    let server = Server::fresh_with(&["--callers-per-team", "2", "--watchers", "2"]);
    let mut client = Client::new(server.channel());
    for (caller, expected) in [("a", ""), ("b", ""), ("c", "TOO_MANY_CALLERS"), ("a", "")] {
        let max_wait = Some(seconds(12));
        let ask = v1::AcquireLeaseRequest { caller: caller.into(), max_wait, ..Default::default() };
        let answer = client.acquire_lease(ask).await;
        assert_eq!(answer.map_or_else(|status| reason(&status), |_| String::new()), expected, "{caller}");
    }
    let watch = v1::WatchWorkspaceRequest::default();
    let mut watching = Vec::new();
    for _ in 0..2 {
        let snapshots = client.watch_workspace(watch.clone()).await.expect("a stream").into_inner();
        watching.push(snapshots);
    }
    let refused = client.watch_workspace(watch.clone()).await.expect_err("the bound is reached");
    assert_eq!(reason(&refused), "SERVER_FULL", "{refused:?}");
    drop(watching);
    let end = Instant::now() + PATIENCE;
    while client.watch_workspace(watch.clone()).await.is_err() {
        assert!(Instant::now() < end, "a watcher that has gone still counts");
        tokio::task::yield_now().await;
    }
    server.stop_cleanly();
}

/// How long the server keeps a connection on which those bytes were sent.
async fn closes(address: SocketAddr, bytes: &[u8]) -> Duration {
    // The server counts from its accept, which may be before `connect` returns.
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("sent");
    let mut received = [0; 1024];
    // A reset counts as closed.
    while let Ok(1..) = stream.read(&mut received).await {}
    started.elapsed()
}

/// The headers of a call, without a request.
fn without_request(path: &str) -> Request<()> {
    call(path).body(()).expect("a request")
}

/// How long the server waits for a request that does not come.
async fn unsent(address: SocketAddr) -> Duration {
    let mut sender = connect(address).await.ready().await.expect("it is open");
    let started = Instant::now();
    let (answer, _stream) = sender.send_request(without_request(ACQUIRE), false).expect("sent");
    let answer = answer.await.expect("an answer");
    assert_eq!(
        answer.headers().get("grpc-status").map(|code| code.as_bytes()),
        Some(&b"4"[..]),
        "{answer:?}"
    );
    started.elapsed()
}

/// Whether a call is still waiting after `wait`, on a connection without other calls.
async fn still_waits(server: &Server, wait: Duration) -> bool {
    let ask = scarce::ask(3_000);
    let mut client = Client::new(server.channel());
    tokio::time::timeout(wait, client.acquire_lease(ask)).await.is_err()
}
