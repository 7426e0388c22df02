//! The latency of a team at a steady rate, over windows with their edges: it should not depend on the time within the window.

use crate::row::row;
use apportion_proto::v1::{Priority, Workspace};
use apportion_tests::process::server::Server;
use apportion_tests::process::steady::{By, Steady, create, learn_a_phase};
use std::time::Duration;

/// The limits of Intercom.
const PERMITS: u32 = 166;
const WINDOW_S: i64 = 10;
/// Six windows.
const SPAN: Duration = Duration::from_secs(60);
const AIM: &str = "p99 at most 20 ms";

/// Measures all cases at the same time, and prints them.
pub(crate) async fn rows() {
    let home = tempfile::tempdir().expect("a directory");
    let server = Server::start(home.path());
    let channel = server.channel();
    let mut teams = tokio::task::JoinSet::new();
    for case in 0..16 {
        let priority = [Priority::Default, Priority::Sheddable][case & 1];
        let (percent, by) = ([30, 60][case >> 1 & 1], [By::Call, By::Exchange][case >> 2 & 1]);
        let is_learned = case >> 3 == 1;
        let known = if is_learned { "known to a second" } else { "known" };
        let name = format!("{by:?} in {priority:?} at {percent} %, start {known}");
        let workspace = format!("edges-{case}");
        create(&channel, &workspace, PERMITS, WINDOW_S, Workspace::default()).await;
        if is_learned {
            learn_a_phase(&channel, &workspace, WINDOW_S, 3).await;
        }
        let every = Duration::from_secs(10).mul_f64(100.0 / f64::from(percent * PERMITS));
        let (steady, channel) = (Steady { workspace, priority, every, by }, channel.clone());
        teams.spawn(async move { (case, name, steady.ask(channel, SPAN).await) });
    }
    let mut all = teams.join_all().await;
    all.sort_by_key(|(case, ..)| *case);
    for (_, name, waits) in all {
        let at = |percent: usize| waits[(waits.len() - 1) * percent / 100].as_secs_f64() * 1e3;
        row(&name, format!("{:.1} {:.1} {:.1} ms", at(50), at(95), at(99)), AIM);
    }
}
