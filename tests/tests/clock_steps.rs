//! The wall clock of the server jumps under load. The provider counts by a clock that does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use apportion_server::clock::{Machine, Source};
use apportion_server::config::{Flags, Settings};
use apportion_server::serve::Running;
use apportion_tests::process::load::{Habit, Load};
use apportion_tests::process::log::Log;
use apportion_tests::process::server::page;
use apportion_tests::process::{nothing_throttled, pass, windows};
use apportion_tests::provider::{Provider, Report, Rules};
use tempfile::TempDir;
use tonic::transport::Endpoint;

/// The clocks of the machine, the wall clock so far off.
struct Jumping(Arc<AtomicI64>);

impl Source for Jumping {
    fn wall_ns(&self) -> u64 {
        Machine.wall_ns().saturating_add_signed(self.0.load(Ordering::SeqCst))
    }

    fn boot_ns(&self) -> u64 {
        Machine.boot_ns()
    }
}

/// A server in this process, whose wall clock can be moved, under load.
struct World {
    off_ns: Arc<AtomicI64>,
    running: Running,
    provider: Provider,
    load: Load,
    _home: TempDir,
}

impl World {
    async fn start() -> Self {
        Self::start_off(0).await
    }

    /// The wall clock is so wrong from the start.
    async fn start_off(off_ms: i64) -> Self {
        let off_ns = Arc::new(AtomicI64::new(off_ms * 1_000_000));
        let home = tempfile::tempdir().expect("a directory");
        let anywhere = "127.0.0.1:0".parse().ok();
        let data_dir = Some(home.path().into());
        let flags = Flags { listen: anywhere, http_listen: anywhere, data_dir, ..Flags::default() };
        let settings = Settings::load(&flags, None).expect("settings");
        let clocks = Box::new(Jumping(Arc::clone(&off_ns)));
        let running = Running::start_by(clocks, &settings).await.expect("it starts");
        let provider = Provider::start(Rules { latency_ms: 5, ..Rules::default() }).expect("a provider");
        let endpoint = Endpoint::from_shared(format!("http://{}", running.address)).expect("an address");
        // They keep some leases as long as they can, so that many are out when the clock jumps.
        let keeping = Habit { workers: 6, permits: 1, keep: Duration::from_secs(9), ..Habit::BUSY };
        let load = Load::start(endpoint.connect_lazy(), provider.address(), &[Habit::BUSY, keeping]);
        Self { off_ns, running, provider, load, _home: home }
    }

    /// Moves the wall clock so far from the right time.
    fn set(&self, off_ms: i64) {
        self.off_ns.store(off_ms * 1_000_000, Ordering::SeqCst);
    }

    /// What the metrics say of windows that are booked too far ahead.
    async fn booked_ahead_seconds(&self) -> i64 {
        let page = page(self.running.http_address, "/metrics").await;
        let value = page.lines().find_map(|line| line.strip_prefix("apportion_booked_ahead_seconds "));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no such metric in {page}"))
    }

    async fn end(self) -> (Log, Report) {
        let log = self.load.stop().await;
        self.running.stop().await.expect("it stops");
        (log, self.provider.stop())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_and_is_set_right_again_makes_no_window_hold_more() {
    let world = World::start().await;
    // A blink, a jump to and fro by whole windows, and one by parts of a window; each wrong time is believed for a while. Windows that
    // were open under a wrong time stay spent, those of times to come too, so the last wait is long.
    for (off_ms, seconds) in [(700, 1), (0, 9), (30_000, 8), (0, 9), (-20_000, 8), (0, 47)] {
        world.set(off_ms);
        pass(Duration::from_secs(seconds)).await;
    }
    let (log, report) = world.end().await;
    nothing_throttled(&report);
    let unsteady = log.refusals.iter().filter(|refusal| refusal.reason == "CLOCK_UNSTEADY").count();
    assert!(unsteady > 0, "no jump was noticed: {:?}", log.refusals.last());
    let full = report.windows.iter().map(|window| window.tally.accepted).max();
    assert!(full >= Some(158), "{full:?} of 166 at best\n{}", windows(&report));
    println!("{unsteady} refused for the clock\n{}", windows(&report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_stays_wrong_is_found_out_by_what_the_provider_says() {
    let world = World::start().await;
    pass(Duration::from_secs(4)).await;
    world.set(-3_700);
    pass(Duration::from_secs(45)).await;
    let (_, report) = world.end().await;
    println!("{}", windows(&report));
    nothing_throttled(&report);
    for window in report.windows.iter().rev().take(2) {
        // The provider says the end of its window in whole seconds, and each response narrows it down: what may belong to either of
        // two windows counts in both, so not all of each is used yet.
        assert!(window.tally.accepted >= 100, "{}", windows(&report));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_a_year_ahead_is_told_of_and_holds_nothing_up_once_it_is_right() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    let world = World::start_off(YEAR_MS).await;
    pass(Duration::from_secs(3)).await;
    let ahead = world.booked_ahead_seconds().await;
    assert_eq!(ahead, 0, "nothing tells it yet");
    world.set(0);
    // It is believed after 3 s; windows of now stay spent, the next is served.
    pass(Duration::from_secs(27)).await;
    let ahead = world.booked_ahead_seconds().await;
    assert!((YEAR_MS / 1_000 - 60..=YEAR_MS / 1_000).contains(&ahead), "{ahead} s");
    let (_, report) = world.end().await;
    nothing_throttled(&report);
    let last = report.windows.back().expect("windows passed");
    assert!(last.tally.accepted >= 100, "{}", windows(&report));
}
