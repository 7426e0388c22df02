//! The provider changes under load what only its responses tell: what was granted by then may be too much, nothing after it is.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use apportion_tests::process::load::{Habit, Load};
use apportion_tests::process::log::{Call, Log};
use apportion_tests::process::server::Server;
use apportion_tests::process::{pass, pass_to, windows};
use apportion_tests::provider::report::{Revision, Window};
use apportion_tests::provider::{Change, Provider, Report, Rules};
use tempfile::TempDir;

/// A provider, a server and workers that want more than there is.
struct World {
    provider: Provider,
    server: Server,
    load: Load,
    _home: TempDir,
}

impl World {
    /// Begins so far inside a window.
    async fn starting(into: Duration, habits: &[Habit]) -> Self {
        let rules = Rules { latency_ms: 5, ..Rules::default() };
        let (provider, home) =
            (Provider::start(rules.clone()).expect("a provider"), tempfile::tempdir().expect("a directory"));
        let server = Server::start(home.path());
        pass_to(&rules, into).await;
        let load = Load::start(server.channel(), provider.address(), habits);
        Self { provider, server, load, _home: home }
    }

    fn change(&self, change: Change) -> Instant {
        let at = Instant::now();
        self.provider.change(change).expect("a change");
        at
    }

    async fn end(self) -> (Log, Report) {
        let log = self.load.stop().await;
        assert!(self.server.stop(Duration::from_secs(15)).success());
        let report = self.provider.stop();
        println!("{}", windows(&report));
        (log, report)
    }
}

/// What was too much after a change came under leases that were out when its first response had reached the server.
fn only_what_was_out(log: &Log, report: &Report, revision: &Revision, told: Instant) {
    let late: Vec<Call> = log.throttled_after(told);
    assert!(
        late.is_empty(),
        "{} throttled though the server knew: {late:?}\n{}",
        late.len(),
        windows(report)
    );
    let knowing = told;
    let out = log
        .calls
        .iter()
        .filter(|call| call.decided <= knowing && call.answered > knowing - Duration::from_secs(1))
        .count() as u64;
    assert!(
        revision.told.over_limit <= out,
        "{} over the limit, {out} were out\n{}",
        revision.told.over_limit,
        windows(report)
    );
}

/// The last windows that ended, oldest first.
fn last(report: &Report, many: usize) -> Vec<&Window> {
    report.windows.iter().skip(report.windows.len().saturating_sub(many)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shifted_phase_is_learned_from_the_first_response() {
    let world = World::starting(
        Duration::from_secs(1),
        &[Habit { workers: 20, rest: Duration::from_millis(900), ..Habit::BUSY }],
    )
    .await;
    pass_to(&Rules::default(), Duration::from_secs(6)).await;
    let at = world.change(Change { phase_ms: Some(3_700), ..Change::default() });
    pass(Duration::from_secs(42)).await;
    let (log, report) = world.end().await;
    let told =
        log.calls.iter().filter(|call| call.sent > at).filter_map(|call| call.told).min().expect("a report");
    only_what_was_out(&log, &report, &report.revisions[0], told);
    for window in last(&report, 3) {
        assert_eq!(window.tally.over_limit, 0, "{}", windows(&report));
        assert!(window.tally.accepted >= 158, "{}", windows(&report));
    }
}

/// Workers that ask for a little more than the limit: a window is nearly used up after 8 s.
const NEARLY: Habit =
    Habit { workers: 20, permits: 1, least: 1, rest: Duration::from_millis(1_000), ..Habit::BUSY };

/// Workers that ask for far more: the window is used up long before.
const FAR_ABOVE: Habit = Habit { workers: 20, ..Habit::BUSY };

/// Changes a provider 8 s into a window in which so much is used, and holds what was too much against what was out.
async fn changed_late(habit: Habit, used: RangeInclusive<usize>, change: Change) {
    // From the start of a window on: who comes at the edge of one may use up the next.
    let world = World::starting(Duration::from_millis(50), &[habit]).await;
    pass(Duration::from_secs(1)).await;
    pass_to(&Rules::default(), Duration::from_secs(8)).await;
    let at = world.change(change.clone());
    pass(Duration::from_secs(27)).await;
    let (log, report) = world.end().await;
    let seen = windows(&report);
    let of_window = |call: &&Call| call.answered <= at && at - call.sent < Duration::from_secs(8);
    let before = log.calls.iter().filter(of_window).count();
    assert!(used.contains(&before), "{before} used when it changed\n{seen}");
    let told = log.calls.iter().filter(|call| call.sent > at).filter_map(|call| call.told).min();
    only_what_was_out(&log, &report, &report.revisions[0], told.expect("a report"));
    let limit = change.limit.unwrap_or(166);
    for window in last(&report, 2) {
        assert_eq!((window.limit, window.tally.over_limit), (limit, 0), "{seen}");
        assert!(window.tally.accepted >= limit * 3 / 4, "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_late_in_a_window_that_is_used_is_learned_from_the_first_response() {
    let shifted = || Change { phase_ms: Some(3_700), ..Change::default() };
    let lowered = || Change { limit: Some(120), ..Change::default() };
    tokio::join!(
        changed_late(NEARLY, 130..=165, shifted()),
        changed_late(FAR_ABOVE, 158..=166, shifted()),
        changed_late(NEARLY, 130..=165, lowered()),
        changed_late(FAR_ABOVE, 158..=166, lowered()),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lowered_limit_holds_at_once_and_a_raised_one_from_the_next_window() {
    let many = Habit { workers: 40, rest: Duration::from_millis(900), ..Habit::BUSY };
    let world = World::starting(Duration::from_secs(8), &[many]).await;
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
    let told = log.told_of(|said| said.limit == Some(120)).expect("a report");
    only_what_was_out(&log, &report, &report.revisions[0], told);
    assert_eq!(report.revisions[1].told.over_limit + report.revisions[1].untold.over_limit, 0);
    let raised = last(&report, 1)[0];
    assert_eq!(raised.limit, 500);
    assert!(raised.tally.accepted >= 475, "{}", windows(&report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steady_use_by_others_costs_nothing_from_the_third_window_on() {
    let world = World::starting(Duration::from_secs(8), &[Habit { workers: 12, ..Habit::BUSY }]).await;
    pass_to(&Rules::default(), Duration::from_millis(100)).await;
    world.change(Change { others_percent: Some(30), ..Change::default() });
    pass(Duration::from_secs(62)).await;
    let (_, report) = world.end().await;
    let since = report.revisions[0].at_ns;
    let after: Vec<_> = report.windows.iter().filter(|window| window.end_ns > since).collect();
    assert!(after.len() >= 6, "{}", windows(&report));
    for window in &after[2..] {
        assert_eq!(window.tally.throttled, 0, "{}", windows(&report));
        assert_eq!(window.others_throttled, 0, "{}", windows(&report));
    }
    for window in &after[3..] {
        assert!(window.counted >= 158, "{}", windows(&report));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_throttle_nothing_more_of_the_window_is_granted() {
    let world = World::starting(
        Duration::from_secs(1),
        &[Habit { workers: 10, rest: Duration::from_millis(700), ..Habit::BUSY }],
    )
    .await;
    pass_to(&Rules::default(), Duration::from_secs(4)).await;
    world.change(Change { force_429: Some(1), ..Change::default() });
    pass_to(&Rules::default(), Duration::from_millis(9_900)).await;
    pass_to(&Rules::default(), Duration::from_millis(9_900)).await;
    let (log, report) = world.end().await;
    let told = log.told_of(|said| said.is_throttled()).expect("a throttle");
    let throttled = report.windows.iter().find(|window| window.tally.throttled > 0).expect("its window");
    assert_eq!(report.total.by_force, 1);
    assert_eq!(report.total.over_limit, 0);
    let end = told + Duration::from_secs(6);
    let more: Vec<_> = log.calls.iter().filter(|call| call.decided > told && call.sent < end).collect();
    let still = throttled.end_ns.saturating_sub(report.revisions[0].at_ns);
    assert!(still > 5_000_000_000, "the window was nearly over");
    let early: Vec<_> = more.iter().filter(|call| call.sent < told + Duration::from_millis(4_500)).collect();
    assert!(early.is_empty(), "{early:?}");
    let next = report
        .windows
        .iter()
        .find(|window| window.start_ns == throttled.end_ns)
        .or(Some(&report.open))
        .expect("a window");
    assert!(next.tally.accepted > 60, "{}", windows(&report));
}
