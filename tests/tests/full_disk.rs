//! The disk is full, under load: what cannot be made durable is refused with a reason, nothing is lost, and the server recovers by
//! itself.

use std::time::{Duration, Instant};

use apportion_tests::process::load::Load;
use apportion_tests::process::server::Server;
use apportion_tests::process::status::reason;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass, pass_to, teams, windows};
use apportion_tests::provider::{Provider, Rules};
use tonic::Code;

/// Longer than what can be booked ahead.
const FULL: Duration = Duration::from_secs(25);
/// How soon the server grants again once the disk has room: no later than the next window.
const RECOVERY: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_no_change_and_stops_grants_only_while_it_is_full() {
    let rules = Rules { latency_ms: 5, ..Rules::default() };
    let (provider, home) =
        (Provider::start(rules.clone()).expect("a provider"), tempfile::tempdir().expect("a directory"));
    let server = Server::start_deniable(home.path());
    pass_to(&rules, Duration::from_secs(2)).await;
    // Slow enough not to use up the window before the disk is full.
    let steady = Workload { workers: 4, permits: 1, rest: Duration::from_millis(400), ..Workload::BUSY };
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
    let log = load.log();
    let granted = log.leases.iter().filter(|(at, _)| *at > full).count();
    let lost: Vec<_> = log.refusals.iter().filter(|refusal| refusal.sent > full).collect();
    // How much was booked and free by then varies; the engine's own tests show that it is granted.
    assert!(lost.iter().any(|refusal| refusal.reason == "STORE_LOST"), "no refusal: {:?}", lost.last());
    for refusal in &lost {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "STORE_LOST"), "{refusal:?}");
    }

    server.allow_writes();
    let allowed = Instant::now();
    pass(RECOVERY).await;
    let again = load.log().leases.iter().filter(|(at, _)| *at > allowed).count();
    assert!(again > 0, "the server did not recover");
    teams::create(&server, "after").await.expect("the disk has room again");
    assert!(server.page("/readyz").await.starts_with("HTTP/1.1 200"));
    load.stop().await;
    server.stop_cleanly();

    let server = Server::start(home.path());
    assert!(
        teams::exists(&server, "before").await && teams::exists(&server, "after").await,
        "a change was lost"
    );
    assert!(!teams::exists(&server, "refused").await, "a refused change was made");
    let report = provider.stop();
    nothing_throttled(&report);
    println!("{granted} granted while the disk was full, {} refused\n{}", lost.len(), windows(&report));
}

/// Whether the metrics show that the store is lost.
async fn shows_loss(server: &Server) -> bool {
    let page = server.page("/metrics").await;
    page.contains("apportion_trouble{workspace=\"default\",reason=\"STORE_LOST\"} 1")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_show_the_loss_of_the_store_from_the_first_failed_write() {
    let home = tempfile::tempdir().expect("a directory");
    let server = Server::start_deniable(home.path());
    assert!(!shows_loss(&server).await);
    server.deny_writes();
    teams::create(&server, "refused").await.expect_err("nothing can be made durable");
    assert!(shows_loss(&server).await, "the loss shows only after a request for a lease");
    assert!(server.page("/metrics").await.contains("\napportion_store_lost 1\n"), "of the whole node, too");
    server.allow_writes();
    let allowed = Instant::now();
    while shows_loss(&server).await {
        assert!(allowed.elapsed() < RECOVERY, "the metrics still show the loss");
        pass(Duration::from_millis(50)).await;
    }
    teams::create(&server, "after").await.expect("the disk has room again");
    let page = server.page("/metrics").await;
    assert!(page.contains("\napportion_store_lost 0\n"), "{page}");
    assert!(page.contains("\napportion_store_failures_total 1\n"), "{page}");
}
