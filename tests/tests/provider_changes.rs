//! The provider changes under load in ways that only its responses show: grants up to then may be too many, later ones are not.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use apportion_tests::process::load::Load;
use apportion_tests::process::log::{Call, Log};
use apportion_tests::process::server::Server;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{pass, pass_to, windows};
use apportion_tests::provider::report::{Revision, Window};
use apportion_tests::provider::{Change, Provider, Report, Rules};

/// A provider, a server and workers that request more than the budget.
struct World {
    provider: Provider,
    server: Server,
    load: Load,
}

impl World {
    /// Starts the load `offset` after the start of a window.
    async fn start(offset: Duration, workloads: &[Workload]) -> Self {
        let rules = Rules { latency_ms: 5, ..Rules::default() };
        let (provider, server) = (Provider::start(rules.clone()).expect("a provider"), Server::fresh());
        pass_to(&rules, offset).await;
        let load = Load::start(server.channel(), provider.address(), workloads);
        Self { provider, server, load }
    }

    fn change(&self, change: Change) -> Instant {
        let at = Instant::now();
        self.provider.change(change).expect("a change");
        at
    }

    async fn end(self) -> (Log, Report) {
        let log = self.load.stop().await;
        self.server.stop_cleanly();
        let report = self.provider.stop();
        println!("{}", windows(&report));
        (log, report)
    }
}

/// Fails unless the excess after a change came under leases that were open when the change was first reported to the server.
fn excess_was_open(log: &Log, report: &Report, revision: &Revision, reported: Instant) {
    let late: Vec<Call> = log.throttled_after(reported);
    assert!(late.is_empty(), "{} throttled after the report: {late:?}\n{}", late.len(), windows(report));
    let open = log
        .calls
        .iter()
        .filter(|call| call.decided <= reported && call.answered > reported - Duration::from_secs(1))
        .count() as u64;
    assert!(
        revision.after_shown.over_limit <= open,
        "{} over the limit, {open} were open\n{}",
        revision.after_shown.over_limit,
        windows(report)
    );
}

/// When the server had acknowledged the first report of a request that was sent after `instant`.
fn first_reported_after(log: &Log, instant: Instant) -> Instant {
    let calls = log.calls.iter().filter(|call| call.sent > instant);
    calls.filter_map(|call| call.reported).min().expect("a report")
}

/// The last closed windows, oldest first.
fn last(report: &Report, count: usize) -> Vec<&Window> {
    report.windows.iter().skip(report.windows.len().saturating_sub(count)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_phase_is_learned_from_the_first_response() {
    let world = World::start(
        Duration::from_secs(1),
        &[Workload { workers: 20, rest: Duration::from_millis(900), ..Workload::BUSY }],
    )
    .await;
    pass_to(&Rules::default(), Duration::from_secs(6)).await;
    let at = world.change(Change { phase_ms: Some(3_700), ..Change::default() });
    pass(Duration::from_secs(42)).await;
    let (log, report) = world.end().await;
    let reported = first_reported_after(&log, at);
    excess_was_open(&log, &report, &report.revisions[0], reported);
    for window in last(&report, 3) {
        assert_eq!(window.tally.over_limit, 0, "{}", windows(&report));
        assert!(window.tally.accepted >= 158, "{}", windows(&report));
    }
}

/// Workers that request a little more than the limit: a window is nearly used up after 8 s.
const NEARLY: Workload = Workload {
    workers: 20,
    permits: 1,
    min_permits: 1,
    rest: Duration::from_millis(1_000),
    ..Workload::BUSY
};

/// Workers that request far more: the window is used up long before.
const FAR_ABOVE: Workload = Workload { workers: 20, ..Workload::BUSY };

/// Changes a provider 8 s into a window of which so much is used, and compares the excess with the open leases.
async fn change_late(workload: Workload, used: RangeInclusive<usize>, change: Change) {
    // From the start of a window on: a load that starts at the edge of one may use up the next.
    let world = World::start(Duration::from_millis(50), &[workload]).await;
    pass(Duration::from_secs(1)).await;
    pass_to(&Rules::default(), Duration::from_secs(8)).await;
    let at = world.change(change.clone());
    pass(Duration::from_secs(27)).await;
    let (log, report) = world.end().await;
    let counted = windows(&report);
    let of_window = |call: &&Call| call.answered <= at && at - call.sent < Duration::from_secs(8);
    let before = log.calls.iter().filter(of_window).count();
    assert!(used.contains(&before), "{before} used when it changed\n{counted}");
    excess_was_open(&log, &report, &report.revisions[0], first_reported_after(&log, at));
    let limit = change.limit.unwrap_or(166);
    for window in last(&report, 2) {
        assert_eq!((window.limit, window.tally.over_limit), (limit, 0), "{counted}");
        assert!(window.tally.accepted >= limit * 3 / 4, "{counted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_late_in_a_used_window_is_learned_from_the_first_response() {
    let shifted = || Change { phase_ms: Some(3_700), ..Change::default() };
    let lowered = || Change { limit: Some(120), ..Change::default() };
    tokio::join!(
        change_late(NEARLY, 130..=165, shifted()),
        change_late(FAR_ABOVE, 158..=166, shifted()),
        change_late(NEARLY, 130..=165, lowered()),
        change_late(FAR_ABOVE, 158..=166, lowered()),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lowered_limit_holds_at_once_and_a_raised_one_from_the_next_window() {
    let many = Workload { workers: 40, rest: Duration::from_millis(900), ..Workload::BUSY };
    let world = World::start(Duration::from_secs(8), &[many]).await;
    pass_to(&Rules::default(), Duration::from_millis(600)).await;
    world.change(Change { limit: Some(120), ..Change::default() });
    pass(Duration::from_secs(2)).await;
    pass_to(&Rules::default(), Duration::from_millis(600)).await;
    world.change(Change { limit: Some(500), ..Change::default() });
    pass(Duration::from_secs(2)).await;
    pass_to(&Rules::default(), Duration::from_millis(100)).await;
    pass(Duration::from_secs(2)).await;
    pass_to(&Rules::default(), Duration::from_millis(100)).await;
    let (log, report) = world.end().await;
    let reported = log.first_reported(|response| response.limit == Some(120)).expect("a report");
    excess_was_open(&log, &report, &report.revisions[0], reported);
    assert_eq!(report.revisions[1].after_shown.over_limit + report.revisions[1].before_shown.over_limit, 0);
    let raised = last(&report, 1)[0];
    assert_eq!(raised.limit, 500);
    assert!(raised.tally.accepted >= 475, "{}", windows(&report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steady_external_use_throttles_nothing_from_the_third_window_on() {
    let world = World::start(Duration::from_secs(8), &[Workload { workers: 12, ..Workload::BUSY }]).await;
    pass_to(&Rules::default(), Duration::from_millis(100)).await;
    world.change(Change { external_percent: Some(30), ..Change::default() });
    pass(Duration::from_secs(62)).await;
    let (_, report) = world.end().await;
    let since = report.revisions[0].at_ns;
    let after: Vec<_> = report.windows.iter().filter(|window| window.end_ns > since).collect();
    assert!(after.len() >= 6, "{}", windows(&report));
    for window in &after[2..] {
        assert_eq!(window.tally.throttled, 0, "{}", windows(&report));
        assert_eq!(window.external_throttled, 0, "{}", windows(&report));
    }
    for window in &after[3..] {
        assert!(window.counted >= 158, "{}", windows(&report));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_throttle_no_more_of_the_window_is_granted() {
    let world = World::start(
        Duration::from_secs(1),
        &[Workload { workers: 10, rest: Duration::from_millis(700), ..Workload::BUSY }],
    )
    .await;
    pass_to(&Rules::default(), Duration::from_secs(4)).await;
    world.change(Change { force_429: Some(1), ..Change::default() });
    pass_to(&Rules::default(), Duration::from_millis(9_900)).await;
    pass_to(&Rules::default(), Duration::from_millis(9_900)).await;
    let (log, report) = world.end().await;
    let reported = log.first_reported(|response| response.is_throttled()).expect("a throttle");
    let throttled = report.windows.iter().find(|window| window.tally.throttled > 0).expect("its window");
    assert_eq!(report.total.by_force, 1);
    assert_eq!(report.total.over_limit, 0);
    let end = reported + Duration::from_secs(6);
    let more: Vec<_> = log.calls.iter().filter(|call| call.decided > reported && call.sent < end).collect();
    let rest_ns = throttled.end_ns.saturating_sub(report.revisions[0].at_ns);
    assert!(rest_ns > 5_000_000_000, "the window was nearly over");
    let early: Vec<_> =
        more.iter().filter(|call| call.sent < reported + Duration::from_millis(4_500)).collect();
    assert!(early.is_empty(), "{early:?}");
    let next = report
        .windows
        .iter()
        .find(|window| window.start_ns == throttled.end_ns)
        .or(Some(&report.open))
        .expect("a window");
    assert!(next.tally.accepted > 60, "{}", windows(&report));
}
