//! A well-behaved client of another team, in its own thread: a request every few milliseconds, and the latency of each.

use apportion_proto::v1;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::scarce;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tonic::Code;

/// The interval between requests.
const EVERY: Duration = Duration::from_millis(4);

/// A client that sends requests until it is stopped.
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

/// The latencies, sorted.
pub(crate) struct Delays(Vec<Duration>);

impl Probe {
    /// Starts sending requests.
    pub(crate) fn start(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(ask(address, &until))
        });
        Self { stop, thread }
    }

    /// Stops, and returns the latencies.
    pub(crate) fn stop(self) -> Delays {
        self.stop.store(true, Ordering::Release);
        let mut delays = self.thread.join().expect("it does not panic");
        delays.sort_unstable();
        Delays(delays)
    }
}

impl Delays {
    /// The 99th percentile, in microseconds.
    pub(crate) fn p99(&self) -> f64 {
        let at = (self.0.len() * 99 / 100).min(self.0.len() - 1);
        self.0[at].as_secs_f64() * 1e6
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.0.last().copied().unwrap_or_default();
        write!(f, "{:.2} ms (longest {:.1})", self.p99() / 1e3, longest.as_secs_f64() * 1e3)
    }
}

async fn ask(address: SocketAddr, until: &AtomicBool) -> Vec<Duration> {
    let mut client = QuotaServiceClient::new(crate::service::connect(address).await);
    let (mut delays, mut ticks) = (Vec::new(), tokio::time::interval(EVERY));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !until.load(Ordering::Acquire) {
        ticks.tick().await;
        let sent = Instant::now();
        let ask = v1::AcquireLeaseRequest { team: "other".into(), ..scarce::ask(0) };
        // The budget is used up: the answer is a refusal, which takes a decision too.
        let refused = client.acquire_lease(ask).await.expect_err("nothing is left");
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        delays.push(sent.elapsed());
    }
    delays
}
