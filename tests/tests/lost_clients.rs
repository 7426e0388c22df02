//! Clients are killed while they hold leases: their permits count as spent, are never granted twice, and the next window is whole.

use std::process::Command;
use std::time::Duration;

use apportion_tests::process::child::{Child, Signal};
use apportion_tests::process::load::Load;
use apportion_tests::process::server::Server;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass_to, windows};
use apportion_tests::provider::{Provider, Rules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_of_killed_clients_are_lost_only_for_their_window() {
    let rules = Rules::default();
    let provider = Provider::start(rules.clone()).expect("a provider");
    let server = Server::fresh();
    pass_to(&rules, Duration::from_millis(300)).await;
    let mut held = 0;
    for _ in 0..2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
        let mut client = Child::start(command.arg(server.address().to_string()).arg("3"));
        let line = client.line();
        held += line.strip_prefix("holds ").and_then(|text| text.parse::<u64>().ok()).expect("a number");
        client.signal(Signal::KILL);
        client.ended(Duration::from_secs(5)).expect("a killed process ends");
    }
    assert_eq!(held, 60);
    let load = Load::start(server.channel(), provider.address(), &[Workload::BUSY]);
    for _ in 0..2 {
        pass_to(&rules, Duration::from_millis(9_900)).await;
        pass_to(&rules, Duration::from_millis(50)).await;
    }
    load.stop().await;
    server.stop_cleanly();
    let report = provider.stop();
    nothing_throttled(&report);
    let used: Vec<_> =
        report.windows.iter().map(|window| window.tally.accepted).filter(|used| *used > 0).collect();
    // Only the permits of the killed clients are missing, and none in the next window.
    assert_eq!(used[0], 166 - held, "{}", windows(&report));
    assert!(used[1] >= 165, "{}", windows(&report));
}
