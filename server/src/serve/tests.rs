//! What ends a server that no signal stopped.

use super::{Running, ServeError};
use crate::clock::{Machine, Source};
use crate::config::{Log, LogFormat, LogLevel, ServerLimits, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The machine's clocks. Once the flag is set, reading them panics in the ledger's thread.
struct Fragile(Arc<AtomicBool>);

impl Source for Fragile {
    fn wall_ns(&self) -> u64 {
        Machine.wall_ns()
    }

    fn boot_ns(&self) -> u64 {
        let of_ledger = std::thread::current().name() == Some("apportion-ledger");
        assert!(!(of_ledger && self.0.load(Ordering::SeqCst)), "on purpose");
        Machine.boot_ns()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_panics_ends_the_server_with_an_error_that_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let anywhere = "127.0.0.1:0".parse().expect("an address");
    let settings = Settings {
        data_dir: directory.path().into(),
        cluster: None,
        listen: anywhere,
        http_listen: anywhere,
        peer_listen: None,
        peer_tls: None,
        tls: None,
        insecure: false,
        log: Log { format: LogFormat::Text, level: LogLevel::Error },
        limits: ServerLimits::DEFAULT,
        drain_seconds: 1,
        audit_entries: 1_000,
        admin_token: None,
    };
    let breaks = Arc::new(AtomicBool::new(false));
    let clocks = Box::new(Fragile(Arc::clone(&breaks)));
    let running = Running::start_by(clocks, &settings).await.expect("it starts");
    breaks.store(true, Ordering::SeqCst);
    let ended = tokio::time::timeout(Duration::from_secs(10), running.until_signalled()).await;
    let error = ended.expect("it ends by itself").expect_err("something failed");
    assert!(matches!(error, ServeError::Failed("the ledger")), "{error}");
}
