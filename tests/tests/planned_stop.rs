//! The server is told to stop under load: whoever waits is answered, and nothing of the window is wasted.

use std::time::{Duration, Instant};

use apportion_tests::process::load::{Habit, Load};
use apportion_tests::process::server::Server;
use apportion_tests::process::{nothing_throttled, pass, pass_to, windows};
use apportion_tests::provider::{Provider, Rules};

const DRAIN: Duration = Duration::from_secs(3);
/// How much later the process ends at the most: it hands back what was not granted, and a disk may take its time for that.
const LITTLE: Duration = Duration::from_millis(2_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_when_the_server_is_told_to_stop_is_answered() {
    let rules = Rules::default();
    let (provider, home) =
        (Provider::start(rules.clone()).expect("a provider"), tempfile::tempdir().expect("a directory"));
    let server = Server::start_with(home.path(), &["--drain-seconds", "3"]);
    pass_to(&rules, Duration::from_secs(1)).await;
    // The window is used up in a moment, so that most workers wait for the next one.
    let load = Load::start(
        server.channel(),
        provider.address(),
        &[Habit { permits: 20, least: 20, max_wait: Duration::from_secs(12), ..Habit::BUSY }],
    );
    pass(Duration::from_secs(2)).await;
    let told = Instant::now();
    let status = server.stop(DRAIN + Duration::from_secs(3));
    let took = told.elapsed();
    let log = load.stop().await;
    nothing_throttled(&provider.stop());
    assert!(status.success(), "{status}");
    assert!(took <= DRAIN + LITTLE, "it took {took:?}");
    // Asked before, answered after.
    let waited: Vec<_> =
        log.refusals.iter().filter(|refusal| refusal.sent < told && refusal.answered >= told).collect();
    assert!(waited.len() >= 6, "only {} waited, so nothing was shown", waited.len());
    for refusal in waited {
        assert_eq!(refusal.reason, "DRAINING", "{refusal:?}");
        // They do not wait for the disk.
        let after = refusal.answered - told;
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
    let slow = Habit { workers: 4, permits: 1, rest: Duration::from_millis(100), ..Habit::BUSY };
    let load = Load::start(server.channel(), provider.address(), &[slow, Habit { workers: 6, ..slow }]);
    for _ in 0..3 {
        pass(Duration::from_millis(700)).await;
        assert!(server.stop(Duration::from_secs(15)).success());
        server = Server::start(home.path());
        load.turn_to(server.channel());
    }
    pass_to(&rules, Duration::from_millis(500)).await;
    let log = load.stop().await;
    let report = provider.stop();
    nothing_throttled(&report);
    println!("{} granted, {} given back, {:?}", log.granted(), log.returned, log.lost_reports);
    for of in log.refusals.iter().filter(|of| of.reason != "DRAINING") {
        println!("{} {} {}", of.code, of.reason, of.message);
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
fn a_stop_that_comes_with_the_first_line_is_in_good_order() {
    let home = tempfile::tempdir().expect("a directory");
    for _ in 0..10 {
        // Whoever starts it knows by its first line that it runs, and may change its mind at that very moment.
        let status = Server::start(home.path()).stop(Duration::from_secs(15));
        assert!(status.success(), "{status}");
    }
}
