//! What one abusive client costs everybody else: the latency of another team's requests during an attack.
//!
//! Attacks run one at a time. A probe measures before and during each; the ratio counts.

mod attacks;
mod probe;

use crate::row::row;
use crate::service::{fill, lower_priority, memory, on_server_core};
use apportion_tests::process::server::Server;
use apportion_tests::process::{pass, scarce};
use attacks::{Attack, CALLERS, Target};
use probe::Probe;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How long the probe measures before an attack.
const USUAL: Duration = Duration::from_secs(4);
/// Workspaces of the server that is scraped.
const WORKSPACES: usize = 100_000;

/// Prints the figures of the named attacks, or of all.
pub(crate) fn table(names: &[&str]) {
    println!("{:<52} {:>14}   aim", "another team's request during an attack", "measured");
    for attack in Attack::ALL.into_iter().filter(|attack| names.is_empty() || names.contains(&attack.name()))
    {
        measure(attack);
    }
}

fn measure(attack: Attack) {
    let data = tempfile::tempdir().expect("a directory");
    let workspaces = if matches!(attack, Attack::Scrape) { WORKSPACES } else { 1 };
    let server = start(data.path(), workspaces);
    runtime().block_on(scarce::create(&server));
    let crowd = Crowd::gather(attack, &server);
    let usual = Probe::start(server.address());
    runtime().block_on(pass(USUAL));
    let usual = usual.stop();
    let before = memory(server.pid());
    let probe = Probe::start(server.address());
    crowd.run();
    let crowded = probe.stop();
    let grown = memory(server.pid()).saturating_sub(before) as f64 / f64::from(1 << 20);
    row(attack.what(), format!("{:.1}", crowded.p99() / usual.p99()), "at most 2");
    row("  p99 before, and during it", format!("{usual}, {crowded}"), "");
    row("  memory that the server allocated for it", format!("{grown:.0} MiB"), "");
    server.has_not_panicked();
    server.stop(Duration::from_secs(30));
}

/// The clients of an attack, in a thread of low priority: the probe shares their processor, and only the server is measured.
struct Crowd {
    go: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Crowd {
    /// Prepares the attack.
    fn gather(attack: Attack, server: &Server) -> Self {
        let target = Target::new(server);
        let (ready, is_ready) = oneshot::channel();
        let (go, may_go) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            lower_priority();
            runtime().block_on(async {
                let prepared = attack.prepare(&target).await;
                let _ = ready.send(());
                let _ = may_go.await;
                attack.run(&target, prepared).await;
            });
        });
        is_ready.blocking_recv().expect("the attack is prepared");
        Self { go, thread }
    }

    fn run(self) {
        let _ = self.go.send(());
        self.thread.join().expect("it does not panic");
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn start(data: &Path, workspaces: usize) -> Server {
    if workspaces > 1 {
        fill(data, workspaces);
    }
    let callers = CALLERS.to_string();
    let flags = ["--drain-seconds", "1", "--workspaces", "200000", "--callers-per-team", &callers];
    on_server_core(|| Server::start_with(data, &flags))
}
