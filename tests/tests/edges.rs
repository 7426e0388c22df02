//! The edges of windows cost no team time or share: the running server, also while the start of windows is known only to a second.

use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::Priority;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::call::ProviderConnection;
use apportion_tests::process::log::Call;
use apportion_tests::process::server::Server;
use apportion_tests::process::steady::{By, Steady, create, learn_a_phase};
use apportion_tests::process::wire::span;
use apportion_tests::process::worker::observation;
use apportion_tests::process::{pass, pass_to, windows};
use apportion_tests::provider::report::Window;
use apportion_tests::provider::{Provider, Rules};
use tokio::task::JoinSet;
use tonic::transport::Channel;

/// The length of a window, in seconds.
const WINDOW_S: i64 = 8;
/// The rate of Intercom.
const PERMITS_A_SECOND: f64 = 16.6;
/// A request that waits for the next window waits half a second on average, and 1.5 s if its start is known to a second.
const AT_ONCE: Duration = Duration::from_millis(300);

fn settings(spare_edge: bool) -> v1::Workspace {
    v1::Workspace { spare_edge: Some(spare_edge), ..v1::Workspace::default() }
}

/// The interval of requests that use `percent` of the budget.
fn interval(percent: u32) -> Duration {
    Duration::from_secs_f64(100.0 / f64::from(percent) / PERMITS_A_SECOND)
}

fn permits() -> u32 {
    (PERMITS_A_SECOND * WINDOW_S as f64) as u32
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_waits_for_the_next_window_while_neither_is_scarce() {
    let server = Server::fresh();
    let channel = server.channel();
    let mut teams = JoinSet::new();
    for (priority, percent, by, is_learned) in cases() {
        let workspace = format!("{}-{percent}-{by:?}-{is_learned}", priority.as_str_name());
        create(&channel, &workspace, permits(), WINDOW_S, settings(true)).await;
        if is_learned {
            learn_a_phase(&channel, &workspace, WINDOW_S, 3).await;
        }
        let steady = Steady { workspace, priority, every: interval(percent), by };
        let channel = channel.clone();
        teams.spawn(async move {
            let waits = steady.clone().ask(channel, Duration::from_secs(17)).await;
            (steady.workspace, waits)
        });
    }
    // The test can fail: without edge permits, a request waits.
    create(&channel, "without", permits(), WINDOW_S, settings(false)).await;
    let (priority, by) = (Priority::Default, By::Call);
    let without = Steady { workspace: "without".into(), priority, every: interval(60), by };
    let without = without.ask(channel.clone(), Duration::from_secs(9)).await;
    assert!(without.last() > Some(&AT_ONCE), "{without:?}");
    for (workspace, waits) in teams.join_all().await {
        let slowest = waits.last().expect("answers");
        println!("{workspace}: {} answers, the slowest in {slowest:?}", waits.len());
        assert!(*slowest < AT_ONCE, "{workspace}: {waits:?}");
    }
    server.stop_cleanly();
}

/// Priority, percent of the budget, how requests are sent, and whether the start of windows is known only to a second.
fn cases() -> Vec<(Priority, u32, By, bool)> {
    let mut cases = Vec::new();
    for priority in [Priority::Default, Priority::Sheddable] {
        for percent in [30, 60] {
            for by in [By::Call, By::Exchange] {
                cases.extend([false, true].map(|is_learned| (priority, percent, by, is_learned)));
            }
        }
    }
    cases
}

/// 80 requests in 4 s; windows start 1.3 s later than the policy says.
fn rules() -> Rules {
    Rules { limit: 80, window_ms: 4_000, phase_ms: 1_300, latency_ms: 2, ..Rules::default() }
}

/// Acquires a lease, calls the provider, reports the response and rests, until that instant.
async fn work(
    channel: Channel,
    mut provider: ProviderConnection,
    (team, caller): (&'static str, String),
    rest: Duration,
    until: Instant,
) {
    let mut client = QuotaServiceClient::new(channel);
    while Instant::now() < until {
        let request = v1::AcquireLeaseRequest {
            workspace: "shares".into(),
            team: team.into(),
            caller: caller.clone(),
            ..v1::AcquireLeaseRequest::default()
        };
        let _ = provider.ready().await;
        let sent = Instant::now();
        let Ok(answer) = client.acquire_lease(request).await else {
            pass(Duration::from_millis(20)).await;
            continue;
        };
        let lease = answer.into_inner().lease.expect("a lease");
        let decided = sent + span(lease.held.as_ref());
        let is_valid = Instant::now() < decided + span(lease.valid_for.as_ref());
        let response = if is_valid { provider.call().await } else { None };
        let answered = Instant::now();
        let call = response.map(|response| Call { decided, sent, answered, response, reported: None });
        let settle = v1::SettleLeaseRequest {
            workspace: "shares".into(),
            team: team.into(),
            caller: caller.clone(),
            lease_id: lease.lease_id,
            used_permits: 1,
            is_final: true,
            observations: call.iter().map(observation).collect(),
            ..v1::SettleLeaseRequest::default()
        };
        client.settle_lease(settle).await.expect("an answer");
        pass(rest).await;
    }
}

async fn create_team(channel: &Channel, id: &str, weight: u32, priority: Priority) {
    let team = v1::Team { weight: Some(weight), priority: priority.into(), ..v1::Team::default() };
    let (parent, team_id) = ("workspaces/shares".into(), id.into());
    let request = v1::CreateTeamRequest { parent, team_id, team: Some(team), ..Default::default() };
    AdminServiceClient::new(channel.clone()).create_team(request).await.expect("a team");
}

fn accepted<'a>(windows: impl Iterator<Item = &'a Window>, team: &str) -> u64 {
    windows.map(|window| window.teams.accepted(team)).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_and_floors_hold_while_the_start_of_windows_is_known_to_a_second() {
    let (server, provider) = (Server::fresh(), Provider::start(rules()).expect("a provider"));
    let channel = server.channel();
    let holdback = Some(v1::PriorityShares::default());
    create(&channel, "shares", 80, 4, v1::Workspace { holdback, ..v1::Workspace::default() }).await;
    create_team(&channel, "workers", 3, Priority::Default).await;
    create_team(&channel, "backlog", 1, Priority::Default).await;
    create_team(&channel, "low", 1, Priority::Sheddable).await;
    learn_a_phase(&channel, "shares", 4, 2).await;
    pass_to(&rules(), Duration::ZERO).await;
    let until = Instant::now() + Duration::from_millis(24_500);
    let mut all = JoinSet::new();
    for (team, workers, rest) in [("workers", 16, 30), ("backlog", 40, 0), ("low", 8, 0)] {
        for number in 0..workers {
            let connection = ProviderConnection::of_team(team, provider.address());
            let caller = (team, format!("{team}-{number}"));
            all.spawn(work(channel.clone(), connection, caller, Duration::from_millis(rest), until));
        }
    }
    pass(until.saturating_duration_since(Instant::now())).await;
    let report = provider.report();
    all.shutdown().await;
    let last = || report.windows.iter().rev().take(4);
    let [workers, backlog] = ["workers", "backlog"].map(|team| accepted(last(), team));
    println!("{workers} : {backlog}\n{}", windows(&report));
    for window in last() {
        let low = accepted(std::iter::once(window), "low");
        println!("{low} of low priority");
        assert_eq!(window.tally.over_limit, 0, "{}", windows(&report));
        assert!(window.tally.accepted >= 78, "{}", windows(&report));
        assert!((2..=6).contains(&low), "{low} of a floor of 4\n{}", windows(&report));
    }
    let deviation = (4 * backlog).abs_diff(workers + backlog);
    assert!(
        deviation * 100 <= 8 * (workers + backlog),
        "{workers} : {backlog} of 3 : 1\n{}",
        windows(&report)
    );
    server.stop_cleanly();
}
