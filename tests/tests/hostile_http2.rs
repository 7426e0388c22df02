//! Hostile HTTP/2: resets, floods, huge headers, silence, noise. An honest client is served meanwhile.

use std::time::Duration;

use apportion_tests::process::http2::{self, ACQUIRE, PREFACE, connect};
use apportion_tests::process::probe;
use apportion_tests::process::server::Server;
use apportion_tests::process::wire::Client;
use hyper::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Longest time for a decision on the request of an honest client.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest time for one attack.
const ATTACK: Duration = Duration::from_secs(5);

/// The headers of a call, with one more of that length.
fn call(extra: usize) -> Request<()> {
    http2::call(ACQUIRE).header("x-extra", "a".repeat(extra)).body(()).expect("a request")
}

/// Opens a stream and resets it, again and again. Returns how often before the server closed the connection.
async fn resets(server: &Server) -> usize {
    let mut sender = connect(server.address()).await;
    for count in 0..20_000 {
        let Ok(ready) = sender.ready().await else { return count };
        sender = ready;
        let Ok((_, mut stream)) = sender.send_request(call(1), false) else { return count };
        stream.send_reset(h2::Reason::CANCEL);
        if count % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    20_000
}

/// Opens streams that never end, many more than are allowed at once, and returns them.
async fn floods(server: &Server) -> Vec<impl Sized> {
    let mut sender = connect(server.address()).await;
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

/// The honest client is decided on in time.
async fn is_served(client: &mut Client) {
    probe::is_served(client, PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_client_is_served_during_attacks() {
    let server = Server::fresh();
    let mut honest = Client::new(server.channel());
    is_served(&mut honest).await;

    // Silence after half a preface.
    let mut silent = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        stream.write_all(&PREFACE[..8]).await.expect("sent");
        silent.push(stream);
    }
    is_served(&mut honest).await;

    // Noise.
    for seed in 0..50_u64 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let mut random = apportion_tests::random::Random::new(seed);
        let noise: Vec<u8> = (0..2_000).flat_map(|_| random.any().to_le_bytes()).collect();
        let preface: &[u8] = if seed % 2 == 0 { &PREFACE[..24] } else { b"" };
        // The server may have closed the connection already.
        let _ = stream.write_all(&[preface, &noise].concat()).await;
    }
    is_served(&mut honest).await;

    // Huge headers, above the bound.
    for extra in [20 << 10, 200 << 10] {
        let mut sender = connect(server.address()).await.ready().await.expect("an open connection");
        if let Ok((answer, _)) = sender.send_request(call(extra), true) {
            let answer = tokio::time::timeout(ATTACK, answer).await.expect("an answer or an end");
            assert!(
                answer.map_or(true, |answer| !answer.status().is_success()),
                "{extra} bytes were accepted"
            );
        }
        is_served(&mut honest).await;
    }

    // More streams than are allowed.
    let flood = tokio::time::timeout(ATTACK, floods(&server)).await.expect("the flood ends");
    assert!(flood.len() >= 1_000, "only {} streams: nothing was tested", flood.len());
    is_served(&mut honest).await;

    // Rapid resets on several connections at once, while the honest client continues.
    let attack = async { tokio::join!(resets(&server), resets(&server), resets(&server)) };
    let calls = async {
        for _ in 0..20 {
            is_served(&mut honest).await;
        }
    };
    let (stopped, ()) = tokio::join!(tokio::time::timeout(4 * ATTACK, attack), calls);
    println!("closed after {:?} resets", stopped.expect("the attack ends"));
    is_served(&mut honest).await;
    is_served(&mut Client::new(server.channel())).await;

    drop((silent, flood));
    server.stop_cleanly();
}
