//! Many who want little: repeats, silent connections, readers who do not read. Whoever behaves well is served all the while.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_tests::process::load::Client;
use apportion_tests::process::log::reason;
use apportion_tests::process::scarce;
use apportion_tests::process::server::Server;
use h2::client::SendRequest;
use hyper::body::Bytes;
use hyper::{Method, Request, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Code;

/// Longest time for the answer to an honest call while others crowd.
const PATIENCE: Duration = Duration::from_secs(2);
/// The beginning of an HTTP/2 connection, and settings that change nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const ACQUIRE: &str = "/apportion.v1.QuotaService/AcquireLease";
const WATCH_HEALTH: &str = "/grpc.health.v1.Health/Watch";

fn start(flags: &[&str]) -> (Server, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a directory");
    (Server::start_with(home.path(), flags), home)
}

/// A new client is decided on in time.
async fn is_served(server: &Server) {
    let now_or_never = Some(prost_types::Duration::default());
    let ask = v1::AcquireLeaseRequest { max_wait: now_or_never, ..v1::AcquireLeaseRequest::default() };
    let mut client = Client::new(server.channel());
    match tokio::time::timeout(PATIENCE, client.acquire_lease(ask)).await {
        Ok(Ok(_)) => {}
        Ok(Err(status)) => assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}"),
        Err(_) => panic!("no answer within {PATIENCE:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_of_one_request_are_bounded_and_harm_nobody_when_their_client_dies() {
    let (server, _home) = start(&[]);
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
        let answered = answered.expect("all but 16 are refused").expect("there are more").expect("no panic");
        let status = answered.expect_err("it is refused");
        assert_eq!(reason(&status), "CALLER_QUEUE_FULL", "{status:?}");
    }
    assert_eq!(repeats.len(), 16);
    repeats.shutdown().await;
    let other = v1::AcquireLeaseRequest { team: "other".into(), ..scarce::ask(0) };
    let answer = tokio::time::timeout(PATIENCE, Client::new(server.channel()).acquire_lease(other)).await;
    let refused = answer.expect("an answer").expect_err("nothing is left");
    assert_eq!(reason(&refused), "DEADLINE_TOO_SHORT", "{refused:?}");
    assert!(server.stop(Duration::from_secs(15)).success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_a_call_make_room_for_one_with_a_call() {
    let (server, _home) = start(&["--connections", "3"]);
    let mut silent = Vec::new();
    for said in [&b""[..], &PREFACE[..10], PREFACE] {
        for _ in 0..3 {
            let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
            stream.write_all(said).await.expect("sent");
            silent.push(stream);
        }
        is_served(&server).await;
    }
    // A call for which nobody needs a credential keeps no place, nor does one whose request does not come.
    let mut calls = Vec::new();
    for path in [WATCH_HEALTH, ACQUIRE] {
        for _ in 0..3 {
            let mut sender = connection(server.address()).await.ready().await.expect("it is open");
            calls.push(sender.send_request(call(path), path == WATCH_HEALTH).expect("sent"));
        }
        is_served(&server).await;
    }
    server.has_not_panicked();
    assert!(server.stop(Duration::from_secs(15)).success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_has_a_limited_time_to_begin_and_to_be_idle_and_none_while_a_call_is_open() {
    let (server, _home) = start(&["--arrival-seconds", "1", "--idle-seconds", "3"]);
    scarce::create(&server).await;
    let address = server.address();
    let nothing = closes(address, b"");
    let half = closes(address, &PREFACE[..10]);
    let idle = closes(address, PREFACE);
    let (nothing, half, idle, late, open) =
        tokio::join!(nothing, half, idle, unsent(address), waits(&server, Duration::from_secs(6)));
    for (what, took, least, most) in
        [("nothing", nothing, 1, 3), ("half a preface", half, 1, 3), ("an idle one", idle, 3, 6)]
    {
        let seconds = took.as_secs_f64();
        assert!((f64::from(least)..f64::from(most)).contains(&seconds), "{what}: {seconds} s");
    }
    assert!((1.0..3.0).contains(&late.as_secs_f64()), "a request that does not come: {late:?}");
    assert!(open, "a connection with a call that waits was closed");
    server.has_not_panicked();
    assert!(server.stop(Duration::from_secs(15)).success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_who_do_not_read_keep_nobody_from_health_and_metrics() {
    let (server, _home) = start(&[]);
    let mut silent = Vec::new();
    for said in [&b""[..], b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"] {
        for _ in 0..100 {
            let mut stream = TcpStream::connect(server.http_address()).await.expect("a connection");
            // Of many, the oldest have been closed already.
            let _ = stream.write_all(said).await;
            silent.push(stream);
        }
        for path in ["/healthz", "/metrics"] {
            let answer = tokio::time::timeout(PATIENCE, server.page(path)).await;
            let answer = answer.unwrap_or_else(|_| panic!("{path}: no answer"));
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    }
    assert!(server.stop(Duration::from_secs(15)).success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_and_watchers_are_as_many_as_the_settings_say() {
    let (server, _home) = start(&["--callers-per-team", "2", "--watchers", "2"]);
    let mut client = Client::new(server.channel());
    for (caller, expected) in [("a", ""), ("b", ""), ("c", "TOO_MANY_CALLERS"), ("a", "")] {
        let wait = Some(prost_types::Duration { seconds: 12, nanos: 0 });
        let ask = v1::AcquireLeaseRequest { caller: caller.into(), max_wait: wait, ..Default::default() };
        let answer = client.acquire_lease(ask).await;
        assert_eq!(answer.map_or_else(|status| reason(&status), |_| String::new()), expected, "{caller}");
    }
    let watch = v1::WatchWorkspaceRequest::default();
    let mut watching = Vec::new();
    for _ in 0..2 {
        let snapshots = client.watch_workspace(watch.clone()).await.expect("a seat").into_inner();
        watching.push(snapshots);
    }
    let refused = client.watch_workspace(watch.clone()).await.expect_err("every seat is taken");
    assert_eq!(reason(&refused), "SERVER_FULL", "{refused:?}");
    drop(watching);
    let end = Instant::now() + PATIENCE;
    while client.watch_workspace(watch.clone()).await.is_err() {
        assert!(Instant::now() < end, "a seat that was left stays taken");
        tokio::task::yield_now().await;
    }
    assert!(server.stop(Duration::from_secs(15)).success());
}

/// How long the server keeps a connection on which that was said.
async fn closes(address: SocketAddr, said: &[u8]) -> Duration {
    // The server counts from when it took the connection, which may be before this hears of it.
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(said).await.expect("sent");
    let mut bytes = [0; 1024];
    // Broken off counts as closed.
    while let Ok(1..) = stream.read(&mut bytes).await {}
    begun.elapsed()
}

/// A call without its request.
fn call(path: &str) -> Request<()> {
    let request = Request::builder().method(Method::POST).uri(format!("http://server{path}"));
    let request = request.version(Version::HTTP_2).header("content-type", "application/grpc");
    request.header("te", "trailers").body(()).expect("a request")
}

/// A connection that is driven beside the test.
async fn connection(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// How long the server waits for a request that does not come.
async fn unsent(address: SocketAddr) -> Duration {
    let mut sender = connection(address).await.ready().await.expect("it is open");
    let begun = Instant::now();
    let (answer, _stream) = sender.send_request(call(ACQUIRE), false).expect("sent");
    let answer = answer.await.expect("an answer");
    assert_eq!(
        answer.headers().get("grpc-status").map(|code| code.as_bytes()),
        Some(&b"4"[..]),
        "{answer:?}"
    );
    begun.elapsed()
}

/// Whether a call that waits so long gets its answer on a connection where nothing else is called.
async fn waits(server: &Server, wait: Duration) -> bool {
    let ask = scarce::ask(3_000);
    let mut client = Client::new(server.channel());
    tokio::time::timeout(wait, client.acquire_lease(ask)).await.is_err()
}
