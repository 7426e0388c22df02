//! The server is stopped under load: waiting requests are answered, and nothing of the window is wasted.

use std::time::{Duration, Instant};

use apportion_tests::process::load::Load;
use apportion_tests::process::server::Server;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass, pass_to, windows};
use apportion_tests::provider::{Provider, Rules};

const DRAIN: Duration = Duration::from_secs(3);
/// How much later the process exits at most: it returns what was not granted, and the disk may take a while.
const EXIT: Duration = Duration::from_millis(2_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_wait_when_the_server_is_stopped_are_answered() {
    let rules = Rules::default();
    let provider = Provider::start(rules.clone()).expect("a provider");
    let server = Server::fresh_with(&["--drain-seconds", "3"]);
    pass_to(&rules, Duration::from_secs(1)).await;
    // The window is used up at once, so that most workers wait for the next one.
    let load = Load::start(
        server.channel(),
        provider.address(),
        &[Workload { permits: 20, min_permits: 20, max_wait: Duration::from_secs(12), ..Workload::BUSY }],
    );
    pass(Duration::from_secs(2)).await;
    let signalled = Instant::now();
    let status = server.stop(DRAIN + Duration::from_secs(3));
    let took = signalled.elapsed();
    let log = load.stop().await;
    nothing_throttled(&provider.stop());
    assert!(status.success(), "{status}");
    assert!(took <= DRAIN + EXIT, "it took {took:?}");
    // Requested before the signal, answered after it.
    let waited: Vec<_> = log
        .refusals
        .iter()
        .filter(|refusal| refusal.sent < signalled && refusal.answered >= signalled)
        .collect();
    assert!(waited.len() >= 6, "only {} waited: nothing was tested", waited.len());
    for refusal in waited {
        assert_eq!(refusal.reason, "DRAINING", "{refusal:?}");
        // They do not wait for the disk.
        let after = refusal.answered - signalled;
        assert!(after <= DRAIN + Duration::from_millis(500), "answered after {after:?}");
    }
    println!("ended after {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_restart_wastes_nothing_of_its_window() {
    let rules = Rules::default();
    let (provider, home) =
        (Provider::start(rules.clone()).expect("a provider"), tempfile::tempdir().expect("a directory"));
    let mut server = Server::start(home.path());
    pass_to(&rules, Duration::from_millis(300)).await;
    let slow = Workload { workers: 4, permits: 1, rest: Duration::from_millis(100), ..Workload::BUSY };
    let load = Load::start(server.channel(), provider.address(), &[slow, Workload { workers: 6, ..slow }]);
    for _ in 0..3 {
        pass(Duration::from_millis(700)).await;
        server.stop_cleanly();
        server = Server::start(home.path());
        load.switch_to(server.channel());
    }
    pass_to(&rules, Duration::from_millis(500)).await;
    let log = load.stop().await;
    let report = provider.stop();
    nothing_throttled(&report);
    println!("{} granted, {} returned, {:?}", log.granted(), log.returned, log.lost_reports);
    for refusal in log.refusals.iter().filter(|refusal| refusal.reason != "DRAINING") {
        println!("{} {} {}", refusal.code, refusal.reason, refusal.message);
    }
    let first = report.windows.iter().find(|window| window.tally.arrivals > 0).expect("a window");
    let unused = u64::from(log.expired);
    assert!(
        first.tally.accepted + unused >= 166,
        "{} and {unused} unused\n{}",
        first.tally.accepted,
        windows(&report)
    );
    assert!(unused <= 2, "{unused} permits ended unused");
    server.has_not_panicked();
}

#[test]
fn a_server_that_is_stopped_at_its_first_line_stops_gracefully() {
    let home = tempfile::tempdir().expect("a directory");
    for _ in 0..10 {
        // The first line says that the server is ready; the signal may follow at once.
        let status = Server::start(home.path()).stop(Duration::from_secs(15));
        assert!(status.success(), "{status}");
    }
}
