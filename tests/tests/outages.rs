//! The server is killed and frozen under load: whatever it does not know any more, the provider never counts too much.

use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::child::Signal;
use apportion_tests::process::load::{Habit, Load};
use apportion_tests::process::log::reason;
use apportion_tests::process::server::Server;
use apportion_tests::process::teams;
use apportion_tests::process::{nothing_throttled, pass, windows};
use apportion_tests::provider::{Provider, Rules};
use tonic::Code;

const KILLS: usize = 20;
/// Longest time from the kill until the next server answers.
const BACK: Duration = Duration::from_secs(2);

/// Workers that use their leases at once, and some that keep them as long as they can, so that most outlive their server.
const STEADY: [Habit; 2] = [
    Habit { workers: 3, permits: 1, rest: Duration::from_millis(80), ..Habit::BUSY },
    Habit { workers: 6, permits: 1, keep: Duration::from_secs(9), ..Habit::BUSY },
];

fn provider() -> Provider {
    Provider::start(Rules { latency_ms: 5, ..Rules::default() }).expect("a provider")
}

/// Waits until it decides on a request, and returns how long that took.
async fn answers(server: &Server, since: Instant) -> Duration {
    let mut client = QuotaServiceClient::new(server.channel());
    let now_or_never = Some(prost_types::Duration::default());
    let ask =
        v1::AcquireLeaseRequest { caller: "probe".into(), max_wait: now_or_never, ..Default::default() };
    match client.acquire_lease(ask).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::ResourceExhausted => assert_ne!(reason(&status), ""),
        Err(status) => panic!("no decision: {status:?}"),
    }
    since.elapsed()
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
        slowest = slowest.max(answers(&server, killed).await);
        load.turn_to(server.channel());
    }
    for kill in 0..KILLS {
        assert!(teams::exists(&server, &format!("made-before-kill-{kill}")).await, "{kill} is lost");
    }
    // Nothing of the twenty lives hinders the next one: a whole window is used up.
    pass(Duration::from_secs(20)).await;
    let log = load.stop().await;
    assert!(server.stop(Duration::from_secs(15)).success());
    let report = provider.stop();
    nothing_throttled(&report);
    assert!(slowest <= BACK, "{slowest:?} from a kill to an answer");
    assert!(!log.lost_reports.is_empty(), "no lease outlived its server: nothing was shown");
    let full = report.windows.iter().map(|window| window.tally.accepted).max();
    assert!(full >= Some(158), "{full:?} of 166 at best\n{}", windows(&report));
    println!("{slowest:?} at most from a kill to an answer; {log:?}", log = log.lost_reports);
    println!("{}", windows(&report));
}

/// Shows that the test above can fail: where grants are forgotten, they are granted again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_its_grants_is_noticed() {
    let provider = provider();
    let rules = Rules::default();
    apportion_tests::process::pass_to(&rules, Duration::from_millis(200)).await;
    let mut load = None;
    for _ in 0..3 {
        let home = tempfile::tempdir().expect("a directory");
        let server = Server::start(home.path());
        let load = load.get_or_insert_with(|| {
            Load::start(server.channel(), provider.address(), &[Habit { permits: 20, ..Habit::BUSY }])
        });
        load.turn_to(server.channel());
        pass(Duration::from_secs(1)).await;
        server.kill();
    }
    load.expect("it was started").stop().await;
    assert!(provider.stop().total.over_limit > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_frozen_for_three_and_for_twelve_seconds_grants_nothing_twice() {
    let (provider, home) = (provider(), tempfile::tempdir().expect("a directory"));
    let server = Server::start(home.path());
    let load = Load::start(server.channel(), provider.address(), &[Habit::BUSY, STEADY[1]]);
    for (seconds, runs) in [(3, 2), (3, 4), (12, 3), (3, 9)] {
        pass(Duration::from_secs(runs)).await;
        server.signal(Signal::STOP);
        pass(Duration::from_secs(seconds)).await;
        server.signal(Signal::CONT);
        answers(&server, Instant::now()).await;
    }
    pass(Duration::from_secs(12)).await;
    let log = load.stop().await;
    assert!(server.stop(Duration::from_secs(15)).success());
    let report = provider.stop();
    nothing_throttled(&report);
    let full = report.windows.iter().map(|window| window.tally.accepted).max();
    assert!(full >= Some(158), "{full:?} of 166 at best\n{}", windows(&report));
    println!("{} expired, {:?} at most for a call\n{}", log.expired, log.slowest, windows(&report));
}
