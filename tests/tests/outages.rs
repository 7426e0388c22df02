//! The server is killed and frozen under load: whatever it forgets, the provider never counts more than its limit.

use std::time::{Duration, Instant};

use apportion_tests::process::child::Signal;
use apportion_tests::process::load::Load;
use apportion_tests::process::probe::is_served;
use apportion_tests::process::server::Server;
use apportion_tests::process::wire::Client;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{most_accepted, nothing_throttled, pass, pass_to, teams, windows};
use apportion_tests::provider::{Provider, Rules};

const KILLS: usize = 20;
/// Longest time from the kill to a decision of the next server.
const RECOVERY: Duration = Duration::from_secs(2);

/// Workers that use their leases at once, and some that keep them as long as possible, so that most outlive their server.
const STEADY: [Workload; 2] = [
    Workload { workers: 3, permits: 1, rest: Duration::from_millis(80), ..Workload::BUSY },
    Workload { workers: 6, permits: 1, keep: Duration::from_secs(9), ..Workload::BUSY },
];

fn provider() -> Provider {
    Provider::start(Rules { latency_ms: 5, ..Rules::default() }).expect("a provider")
}

/// Waits until the server decides on a request.
async fn decision(server: &Server) {
    is_served(&mut Client::new(server.channel()), Duration::from_secs(30)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_twenty_times_forgets_no_grant() {
    let (provider, home) = (provider(), tempfile::tempdir().expect("a directory"));
    let mut server = Server::start(home.path());
    let load = Load::start(server.channel(), provider.address(), &STEADY);
    let mut slowest = Duration::ZERO;
    for kill in 0..KILLS {
        pass(Duration::from_millis(500 + 100 * (kill as u64 * 7 % 8))).await;
        teams::create(&server, &format!("made-before-kill-{kill}")).await.expect("a new team");
        let killed = Instant::now();
        server.kill();
        server = Server::start(home.path());
        decision(&server).await;
        slowest = slowest.max(killed.elapsed());
        load.switch_to(server.channel());
    }
    for kill in 0..KILLS {
        assert!(teams::exists(&server, &format!("made-before-kill-{kill}")).await, "{kill} is lost");
    }
    // The kills hold nothing back from the next server: it grants a whole window.
    pass(Duration::from_secs(20)).await;
    let log = load.stop().await;
    server.stop_cleanly();
    let report = provider.stop();
    nothing_throttled(&report);
    assert!(slowest <= RECOVERY, "{slowest:?} from a kill to a decision");
    assert!(!log.lost_reports.is_empty(), "no lease outlived its server: nothing was tested");
    let most = most_accepted(&report);
    assert!(most >= 158, "at most {most} of 166\n{}", windows(&report));
    println!("at most {slowest:?} from a kill to a decision; {log:?}", log = log.lost_reports);
    println!("{}", windows(&report));
}

/// The test above can fail: a server with an empty store grants the window again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_its_grants_is_noticed() {
    let provider = provider();
    let rules = Rules::default();
    pass_to(&rules, Duration::from_millis(200)).await;
    let mut load = None;
    for _ in 0..3 {
        let server = Server::fresh();
        let load = load.get_or_insert_with(|| {
            Load::start(server.channel(), provider.address(), &[Workload { permits: 20, ..Workload::BUSY }])
        });
        load.switch_to(server.channel());
        pass(Duration::from_secs(1)).await;
        server.kill();
    }
    load.expect("it was started").stop().await;
    assert!(provider.stop().total.over_limit > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_frozen_for_three_and_for_twelve_seconds_grants_nothing_twice() {
    let (provider, server) = (provider(), Server::fresh());
    let load = Load::start(server.channel(), provider.address(), &[Workload::BUSY, STEADY[1]]);
    for (seconds, before) in [(3, 2), (3, 4), (12, 3), (3, 9)] {
        pass(Duration::from_secs(before)).await;
        server.signal(Signal::STOP);
        pass(Duration::from_secs(seconds)).await;
        server.signal(Signal::CONT);
        decision(&server).await;
    }
    pass(Duration::from_secs(12)).await;
    let log = load.stop().await;
    server.stop_cleanly();
    let report = provider.stop();
    nothing_throttled(&report);
    let most = most_accepted(&report);
    assert!(most >= 158, "at most {most} of 166\n{}", windows(&report));
    println!("{} expired, at most {:?} for a call\n{}", log.expired, log.slowest, windows(&report));
}
