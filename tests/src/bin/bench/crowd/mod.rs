//! What one client can do to everybody else: how long another team's request is answered while many ask for nothing good.
//!
//! Each crowd comes alone. A probe asks before it comes and while it is there; what counts is the ratio of both.

mod attacks;
mod probe;

use crate::row;
use crate::service::{fill, memory, on_server_core};
use apportion_tests::process::scarce;
use apportion_tests::process::server::Server;
use attacks::{Attack, CALLERS, Target};
use probe::Probe;
use std::path::Path;
use std::time::Duration;

/// How long the probe asks before a crowd comes.
const USUAL: Duration = Duration::from_secs(4);
/// Workspaces of the server that is scraped.
const WORKSPACES: usize = 100_000;

/// Measures those that are named, or all, and prints them.
pub(crate) fn table(names: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("{:<52} {:>14}   aim", "another team's request while a crowd is there", "measured");
    for attack in Attack::ALL.into_iter().filter(|attack| names.is_empty() || names.contains(&attack.name()))
    {
        runtime.block_on(measure(attack));
    }
}

async fn measure(attack: Attack) {
    let data = tempfile::tempdir().expect("a directory");
    let workspaces = if matches!(attack, Attack::Scrape) { WORKSPACES } else { 1 };
    let server = start(data.path(), workspaces);
    scarce::create(&server).await;
    let target = Target::new(&server);
    let prepared = attack.prepare(&target).await;
    let probe = Probe::start(target.grpc);
    tokio::time::sleep(USUAL).await;
    let usual = probe.stop();
    let before = memory(server.pid());
    let probe = Probe::start(target.grpc);
    attack.come(&target, prepared).await;
    let crowded = probe.stop();
    let grown = memory(server.pid()).saturating_sub(before) as f64 / f64::from(1 << 20);
    row(attack.what(), format!("{:.1}", crowded.p99() / usual.p99()), "at most 2");
    row("  p99 before, and while it is there", format!("{usual}, {crowded}"), "");
    row("  memory that the server took for it", format!("{grown:.0} MiB"), "");
    server.has_not_panicked();
    server.stop(Duration::from_secs(30));
}

fn start(data: &Path, workspaces: usize) -> Server {
    if workspaces > 1 {
        fill(data, workspaces);
    }
    let callers = CALLERS.to_string();
    let flags = ["--drain-seconds", "1", "--workspaces", "200000", "--callers-per-team", &callers];
    on_server_core(|| Server::start_with(data, &flags))
}
