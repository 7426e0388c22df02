//! Real Envoys ask about each request of plain HTTP clients (RLS), beside native clients of the same workspace.

use apportion_tests::envoy::load::{Clients, MeshLoad, Outcome};
use apportion_tests::envoy::{Envoy, LIMIT, WINDOW, addressed, prepare, shipped, validate};
use apportion_tests::process::load::Load;
use apportion_tests::process::server::Server;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass_to, windows};
use apportion_tests::provider::report::{Report, Window};
use apportion_tests::provider::{Provider, Rules};
use std::time::Duration;

/// Clients that always have a request more, of two teams with weights 3 and 1, and an urgent one that asks now and then.
const KINDS: [Clients; 3] = [
    Clients { team: "sync", count: 8, rest: Duration::ZERO },
    Clients { team: "crm", count: 8, rest: Duration::ZERO },
    Clients { team: "support", count: 1, rest: Duration::from_millis(100) },
];
/// A native client beside them.
const NATIVE: Workload = Workload { workers: 2, ..Workload::BUSY };

fn rules() -> Rules {
    let window_ms = u64::try_from(WINDOW.as_millis()).expect("short");
    Rules { limit: LIMIT.into(), window_ms, ..Rules::default() }
}

/// The configuration of users, with a timeout that covers the wait of the domain.
fn patient() -> String {
    let shipped = shipped("rls.yaml");
    let patient = shipped.replace("timeout: 0.25s", "timeout: 2.5s");
    assert_ne!(shipped, patient);
    patient
}

/// The windows that are over and in which all clients were there from the start, once the responses to the native client have told
/// where windows begin.
fn whole(report: &Report) -> Vec<&Window> {
    report.windows.iter().filter(|window| window.tally.arrivals > 0).skip(2).collect()
}

/// How long the median and the slowest of a hundred requests of a team that went on took.
fn waits(outcomes: &[Outcome], team: &str) -> (Duration, Duration) {
    let mut took: Vec<_> =
        outcomes.iter().filter(|it| it.team == team && it.status == 200).map(|it| it.took).collect();
    assert!(took.len() > 50, "only {} requests of {team}", took.len());
    took.sort();
    (took[took.len() / 2], took[(took.len() * 99).div_ceil(100) - 1])
}

#[test]
fn the_shipped_configuration_is_valid() {
    validate(&shipped("rls.yaml")).unwrap_or_else(|said| panic!("{said}"));
    assert!(validate(&shipped("rls.yaml").replace("domain: mesh", "dominion: mesh")).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_envoys_and_a_native_client_share_the_windows_by_weight_and_the_urgent_team_goes_first() {
    let (rules, server) = (rules(), Server::fresh());
    prepare(&server, Duration::from_secs(2)).await;
    let provider = Provider::start(rules.clone()).expect("a provider");
    let configuration = addressed(&patient(), server.address(), provider.address());
    let (first, second) = (Envoy::start(&configuration).await, Envoy::start(&configuration).await);
    pass_to(&rules, WINDOW - Duration::from_millis(500)).await;
    let native = Load::start(server.channel(), provider.address(), &[NATIVE]);
    let load = MeshLoad::start(&[first.address, second.address], &KINDS);
    for _ in 0..5 {
        pass_to(&rules, WINDOW - Duration::from_millis(50)).await;
        pass_to(&rules, Duration::from_millis(50)).await;
    }
    let (outcomes, _) = (load.stop().await, native.stop().await);
    let (mut passed, mut failed, mut unasked) = (0, 0, 0);
    for envoy in [&first, &second] {
        passed += envoy.sum("ratelimit.ok").await;
        failed += envoy.sum("ratelimit.error").await;
        unasked += envoy.sum("ratelimit.failure_mode_allowed").await;
    }
    let report = provider.stop();
    nothing_throttled(&report);
    let whole = whole(&report);
    assert!(whole.len() >= 3, "{}", windows(&report));
    let of = |team: &str| whole.iter().map(|window| window.teams.accepted(team)).sum::<u64>();
    let used: u64 = whole.iter().map(|window| window.tally.accepted).sum();
    let (sync, crm, (median, p99)) = (of("sync"), of("crm"), waits(&outcomes, "support"));
    println!(
        "used {used} of {} permits, sync : crm = {sync} : {crm}, native {}, support {} with median {median:?}, p99 {p99:?}",
        whole.len() as u64 * u64::from(LIMIT),
        of("default"),
        of("support"),
    );
    assert!(used * 100 >= whole.len() as u64 * u64::from(LIMIT) * 99, "{}", windows(&report));
    let per_mille = sync * 1_000 / crm.max(1);
    assert!((2_550..=3_450).contains(&per_mille), "sync : crm = {sync} : {crm}");
    // From the guard of a saturated window, nobody is served before the next one opens, 950 ms later.
    assert!(median < Duration::from_millis(100) && p99 < Duration::from_millis(1_300), "{median:?}, {p99:?}");
    // What Envoy let pass is what arrived, but for the native client.
    let native: u64 =
        report.windows.iter().chain([&report.open]).map(|window| window.teams.accepted("default")).sum();
    assert_eq!((passed, unasked), (report.total.arrivals - native, 0), "{failed} errors");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_exceeded_through_a_kill_of_the_server_and_nothing_passes_without_it() {
    let (rules, home) = (rules(), tempfile::tempdir().expect("a directory"));
    let server = Server::start(home.path());
    prepare(&server, Duration::from_secs(2)).await;
    let (address, provider) = (server.address(), Provider::start(rules.clone()).expect("a provider"));
    let configuration = addressed(&patient(), address, provider.address());
    let (first, second) = (Envoy::start(&configuration).await, Envoy::start(&configuration).await);
    let load = MeshLoad::start(&[first.address, second.address], &KINDS);
    pass_to(&rules, Duration::from_millis(1_500)).await;
    server.kill();
    pass_to(&rules, Duration::from_millis(2_500)).await;
    let before = provider.report().total.arrivals;
    pass_to(&rules, Duration::from_millis(500)).await;
    let without_server = provider.report().total.arrivals - before;
    let server = Server::start_again(home.path(), address);
    for _ in 0..2 {
        pass_to(&rules, WINDOW - Duration::from_millis(50)).await;
        pass_to(&rules, Duration::from_millis(50)).await;
    }
    let outcomes = load.stop().await;
    let report = provider.stop();
    nothing_throttled(&report);
    assert_eq!(without_server, 0, "requests passed without a server");
    let refused = outcomes.iter().filter(|outcome| outcome.status == 500).count();
    assert!(refused > 0, "nobody noticed that the server was gone");
    let last = whole(&report).last().map_or(0, |window| window.tally.accepted);
    assert!(last * 100 >= u64::from(LIMIT) * 99, "the last window: {last}; {}", windows(&report));
    server.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_names_no_team_or_a_strange_one_is_limited_too() {
    let server = Server::fresh();
    prepare(&server, Duration::ZERO).await;
    let provider = Provider::start(rules()).expect("a provider");
    let envoy = Envoy::start(&addressed(&shipped("rls.yaml"), server.address(), provider.address())).await;
    let strange = ["", "absent", "a/b", "sync, support"];
    let kinds = strange.map(|team| Clients { team, count: 1, rest: Duration::from_millis(20) });
    let load = MeshLoad::start(&[envoy.address], &kinds);
    pass_to(&rules(), Duration::from_millis(100)).await;
    pass_to(&rules(), Duration::from_millis(1_500)).await;
    let outcomes = load.stop().await;
    for team in strange {
        assert!(outcomes.iter().any(|it| it.team == team && it.status == 200), "{team:?} was not served");
    }
    let report = provider.stop();
    nothing_throttled(&report);
    let (passed, not_asked) =
        (envoy.sum("ratelimit.ok").await, envoy.sum("ratelimit.failure_mode_allowed").await);
    assert_eq!((passed, not_asked), (report.total.arrivals, 0));
    server.stop_cleanly();
}
