//! The disk takes nothing more, under load: what cannot be made durable is refused clearly, nothing is lost, and it goes on by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use apportion_tests::process::load::{Habit, Load};
use apportion_tests::process::log::reason;
use apportion_tests::process::server::Server;
use apportion_tests::process::teams;
use apportion_tests::process::{nothing_throttled, pass, pass_to, windows};
use apportion_tests::provider::{Provider, Rules};
use tonic::Code;

/// Longer than what can be booked ahead.
const FULL: Duration = Duration::from_secs(25);
/// How soon it grants again once the disk does: no later than the next window.
const BACK: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_stops_grants_no_longer_than_it_is_full() {
    let rules = Rules { latency_ms: 5, ..Rules::default() };
    let (provider, home) =
        (Provider::start(rules.clone()).expect("a provider"), tempfile::tempdir().expect("a directory"));
    let server = Server::start_to_be_denied(home.path());
    pass_to(&rules, Duration::from_secs(2)).await;
    // Slow enough not to use the window up before the disk is full.
    let steady = Habit { workers: 4, permits: 1, rest: Duration::from_millis(400), ..Habit::BUSY };
    let load = Load::start(server.channel(), provider.address(), &[steady]);
    teams::create(&server, "before").await.expect("the disk has room");
    pass(Duration::from_secs(3)).await;

    server.deny_writes();
    let full = Instant::now();
    let refused = teams::create(&server, "refused").await.expect_err("nothing can be made durable");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "STORE_LOST"));
    let page = server.page("/readyz").await;
    assert!(page.starts_with("HTTP/1.1 503") && page.contains("the store is lost"), "{page}");
    pass(FULL).await;
    let seen = load.seen();
    let granted = seen.leases.iter().filter(|(at, _)| *at > full).count();
    let lost: Vec<_> = seen.refusals.iter().filter(|refusal| refusal.sent > full).collect();
    // How much was booked and free just then is chance; that it is granted, the engine's own tests hold.
    assert!(lost.iter().any(|refusal| refusal.reason == "STORE_LOST"), "no refusal: {:?}", lost.last());
    for refusal in &lost {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "STORE_LOST"), "{refusal:?}");
    }

    server.allow_writes();
    let room = Instant::now();
    pass(BACK).await;
    let again = load.seen().leases.iter().filter(|(at, _)| *at > room).count();
    assert!(again > 0, "it did not go on by itself");
    teams::create(&server, "after").await.expect("the disk has room again");
    assert!(server.page("/readyz").await.starts_with("HTTP/1.1 200"));
    load.stop().await;
    assert!(server.stop(Duration::from_secs(15)).success());

    let server = Server::start(home.path());
    assert!(
        teams::exists(&server, "before").await && teams::exists(&server, "after").await,
        "a change was lost"
    );
    assert!(!teams::exists(&server, "refused").await, "a change that was refused is there");
    let report = provider.stop();
    nothing_throttled(&report);
    println!("{granted} granted while the disk was full, {} refused\n{}", lost.len(), windows(&report));
}

/// What the server says to those who watch.
fn metrics(server: &Server) -> String {
    let mut stream = TcpStream::connect(server.http_address()).expect("it listens");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_the_store_shows_from_the_first_failure_of_any_write() {
    let home = tempfile::tempdir().expect("a directory");
    let server = Server::start_to_be_denied(home.path());
    let lost = |server: &Server| {
        tokio::task::block_in_place(|| metrics(server))
            .contains("apportion_trouble{workspace=\"default\",reason=\"STORE_LOST\"} 1")
    };
    assert!(!lost(&server));
    server.deny_writes();
    teams::create(&server, "refused").await.expect_err("nothing can be made durable");
    assert!(lost(&server), "nobody asked for a lease, and it is lost all the same");
    server.allow_writes();
    let begun = Instant::now();
    while lost(&server) {
        assert!(begun.elapsed() < BACK, "it is back and is said to be lost");
        pass(Duration::from_millis(50)).await;
    }
    teams::create(&server, "after").await.expect("the disk has room again");
}
