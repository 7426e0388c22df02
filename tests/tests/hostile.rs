//! Hostile HTTP/2: resets, floods, huge headers, silence, noise. Whoever behaves well is served all the while.

use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_tests::process::load::Client;
use apportion_tests::process::server::Server;
use h2::client::SendRequest;
use hyper::body::Bytes;
use hyper::{Method, Request, Version};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tonic::Code;

const PATH: &str = "/apportion.v1.QuotaService/AcquireLease";
/// Longest time for the answer to an honest call while others attack.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest time for one attack.
const ATTACK: Duration = Duration::from_secs(5);

/// A call without its body, with one more header.
fn call(extra: usize) -> Request<()> {
    let request = Request::builder().method(Method::POST).uri(format!("http://server{PATH}"));
    let request =
        request.version(Version::HTTP_2).header("content-type", "application/grpc").header("te", "trailers");
    request.header("x-extra", "a".repeat(extra)).body(()).expect("a request")
}

/// A connection that is driven beside the test.
async fn connection(server: &Server) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(server.address()).await.expect("a connection");
    let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// Opens a stream and resets it, again and again. Returns how often before the server had enough.
async fn resets(server: &Server) -> usize {
    let mut sender = connection(server).await;
    for many in 0..20_000 {
        let Ok(ready) = sender.ready().await else { return many };
        sender = ready;
        let Ok((_, mut stream)) = sender.send_request(call(1), false) else { return many };
        stream.send_reset(h2::Reason::CANCEL);
        if many % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    20_000
}

/// Opens streams that never end, far more than are allowed at once, and returns them.
async fn floods(server: &Server) -> Vec<impl Sized> {
    let mut sender = connection(server).await;
    let mut open = Vec::new();
    while open.len() < 5_000 {
        let ready = tokio::time::timeout(Duration::from_millis(300), sender.ready()).await;
        let Ok(Ok(ready)) = ready else { return open };
        sender = ready;
        let Ok(stream) = sender.send_request(call(1), false) else { return open };
        open.push(stream);
    }
    open
}

/// An honest client is decided on in time.
async fn is_served(client: &mut Client) {
    let begun = Instant::now();
    let ask =
        v1::AcquireLeaseRequest { max_wait: Some(prost_types::Duration::default()), ..Default::default() };
    match tokio::time::timeout(PATIENCE, client.acquire_lease(ask)).await {
        Ok(Ok(_)) => {}
        Ok(Err(status)) => assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}"),
        Err(_) => panic!("no answer within {:?}", begun.elapsed()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_client_is_served_whatever_others_do() {
    let home = tempfile::tempdir().expect("a directory");
    let server = Server::start(home.path());
    let mut honest = Client::new(server.channel());
    is_served(&mut honest).await;

    // Silence: half a preface, and nothing more.
    let mut silent = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        stream.write_all(b"PRI * HT").await.expect("sent");
        silent.push(stream);
    }
    is_served(&mut honest).await;

    // Noise.
    for seed in 0..50_u64 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let mut random = apportion_tests::random::Random::new(seed);
        let noise: Vec<u8> = (0..2_000).flat_map(|_| random.any().to_le_bytes()).collect();
        let preface: &[u8] = if seed % 2 == 0 { b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" } else { b"" };
        // The server may have hung up already.
        let _ = stream.write_all(&[preface, &noise].concat()).await;
    }
    is_served(&mut honest).await;

    // Huge headers, beyond what is taken.
    for extra in [20 << 10, 200 << 10] {
        let mut sender = connection(&server).await.ready().await.expect("an open connection");
        if let Ok((answer, _)) = sender.send_request(call(extra), true) {
            let answer = tokio::time::timeout(ATTACK, answer).await.expect("an answer or an end");
            assert!(answer.map_or(true, |answer| !answer.status().is_success()), "{extra} bytes were taken");
        }
        is_served(&mut honest).await;
    }

    // More streams than are allowed.
    let flood = tokio::time::timeout(ATTACK, floods(&server)).await.expect("it ends");
    assert!(flood.len() >= 1_000, "only {} streams: nothing was shown", flood.len());
    is_served(&mut honest).await;

    // Rapid resets, from several connections at once, while the honest client goes on.
    let attack = async { tokio::join!(resets(&server), resets(&server), resets(&server)) };
    let calls = async {
        for _ in 0..20 {
            is_served(&mut honest).await;
        }
    };
    let (stopped, ()) = tokio::join!(tokio::time::timeout(4 * ATTACK, attack), calls);
    println!("hung up after {:?} resets", stopped.expect("the attack ends"));
    is_served(&mut honest).await;
    is_served(&mut Client::new(server.channel())).await;

    drop((silent, flood));
    server.has_not_panicked();
    assert!(server.stop(Duration::from_secs(15)).success());
}
