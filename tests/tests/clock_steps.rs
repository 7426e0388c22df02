//! The wall clock of the server jumps under load. The provider counts by a clock that does not jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use apportion_server::clock::{Machine, Source};
use apportion_server::config::{Flags, Settings};
use apportion_server::serve::Running;
use apportion_tests::process::load::Load;
use apportion_tests::process::log::Log;
use apportion_tests::process::server::page;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{most_accepted, nothing_throttled, pass, windows};
use apportion_tests::provider::{Provider, Report, Rules};
use tempfile::TempDir;
use tonic::transport::Endpoint;

/// The clocks of the machine, with an offset of the wall clock in nanoseconds.
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
    offset_ns: Arc<AtomicI64>,
    running: Running,
    provider: Provider,
    load: Load,
    _home: TempDir,
}

impl World {
    async fn start() -> Self {
        Self::start_with_offset(0).await
    }

    /// Starts with a wall clock that is so far off.
    async fn start_with_offset(offset_ms: i64) -> Self {
        let offset_ns = Arc::new(AtomicI64::new(offset_ms * 1_000_000));
        let home = tempfile::tempdir().expect("a directory");
        let anywhere = "127.0.0.1:0".parse().ok();
        let data_dir = Some(home.path().into());
        let flags = Flags { listen: anywhere, http_listen: anywhere, data_dir, ..Flags::default() };
        let settings = Settings::load(&flags, None).expect("settings");
        let clocks = Box::new(Jumping(Arc::clone(&offset_ns)));
        let running = Running::start_by(clocks, &settings).await.expect("it starts");
        let provider = Provider::start(Rules { latency_ms: 5, ..Rules::default() }).expect("a provider");
        let endpoint = Endpoint::from_shared(format!("http://{}", running.address)).expect("an address");
        // Some leases are kept as long as possible, so that many are open when the clock jumps.
        let keeping = Workload { workers: 6, permits: 1, keep: Duration::from_secs(9), ..Workload::BUSY };
        let load = Load::start(endpoint.connect_lazy(), provider.address(), &[Workload::BUSY, keeping]);
        Self { offset_ns, running, provider, load, _home: home }
    }

    /// Sets the offset of the wall clock.
    fn set(&self, offset_ms: i64) {
        self.offset_ns.store(offset_ms * 1_000_000, Ordering::SeqCst);
    }

    /// How far ahead windows are booked, by the metrics.
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
async fn a_clock_that_jumps_there_and_back_makes_no_window_exceed_its_limit() {
    let world = World::start().await;
    // A short jump, one there and back by whole windows, and one by parts of a window; each wrong time is used for a while. Windows
    // that were open under a wrong time stay spent, future ones too, so the last wait is long.
    for (offset_ms, seconds) in [(700, 1), (0, 9), (30_000, 8), (0, 9), (-20_000, 8), (0, 47)] {
        world.set(offset_ms);
        pass(Duration::from_secs(seconds)).await;
    }
    let (log, report) = world.end().await;
    nothing_throttled(&report);
    let unsteady = log.refusals.iter().filter(|refusal| refusal.reason == "CLOCK_UNSTEADY").count();
    assert!(unsteady > 0, "no jump was noticed: {:?}", log.refusals.last());
    let most = most_accepted(&report);
    assert!(most >= 158, "at most {most} of 166\n{}", windows(&report));
    println!("{unsteady} refused because of the clock\n{}", windows(&report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_stays_wrong_is_corrected_by_responses_of_the_provider() {
    let world = World::start().await;
    pass(Duration::from_secs(4)).await;
    world.set(-3_700);
    pass(Duration::from_secs(45)).await;
    // Taken under load: windows that end while the load stops are used in part only.
    let loaded = world.provider.report();
    let (_, report) = world.end().await;
    println!("{}", windows(&report));
    nothing_throttled(&report);
    for window in loaded.windows.iter().rev().take(2) {
        // The provider reports the end of its window in whole seconds, and each response narrows it down: permits that may belong to
        // either of two windows count in both, so not all of each is used yet.
        assert!(window.tally.accepted >= 100, "{}", windows(&report));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_a_year_ahead_shows_in_metrics_and_delays_nothing_once_it_is_right() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    let world = World::start_with_offset(YEAR_MS).await;
    pass(Duration::from_secs(3)).await;
    let ahead = world.booked_ahead_seconds().await;
    assert_eq!(ahead, 0, "nothing shows it yet");
    world.set(0);
    // The right time is used after 3 s; the present windows stay spent, the next are granted.
    pass(Duration::from_secs(27)).await;
    let ahead = world.booked_ahead_seconds().await;
    assert!((YEAR_MS / 1_000 - 60..=YEAR_MS / 1_000).contains(&ahead), "{ahead} s");
    let loaded = world.provider.report();
    let (_, report) = world.end().await;
    nothing_throttled(&report);
    let last = loaded.windows.back().expect("windows passed");
    assert!(last.tally.accepted >= 100, "{}", windows(&report));
}
