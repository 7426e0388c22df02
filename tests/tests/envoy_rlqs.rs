//! Real Envoys get assignments of permits and report what they used (RLQS), beside native clients of the same workspace.

use apportion_tests::envoy::load::{Clients, MeshLoad};
use apportion_tests::envoy::{Envoy, LIMIT, WINDOW, addressed, prepare, shipped, validate};
use apportion_tests::process::load::Load;
use apportion_tests::process::server::Server;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass_to, windows};
use apportion_tests::provider::{Provider, Rules};
use std::time::Duration;

/// Clients that always have a request more, of two teams with weights 3 and 1, and an urgent one that asks now and then.
const KINDS: [Clients; 3] = [
    Clients { team: "sync", count: 4, rest: Duration::ZERO },
    Clients { team: "crm", count: 4, rest: Duration::ZERO },
    Clients { team: "support", count: 1, rest: Duration::from_millis(200) },
];
/// A native client beside them.
const NATIVE: Workload = Workload { workers: 2, ..Workload::BUSY };
/// Windows until Envoys, which report every 5 s, have told what they need.
const WARM_UP: usize = 3;
/// Windows that count.
const WINDOWS: usize = 3;

fn rules() -> Rules {
    let window_ms = u64::try_from(WINDOW.as_millis()).expect("short");
    Rules { limit: LIMIT.into(), window_ms, ..Rules::default() }
}

/// Returns at the start of the window after so many.
async fn pass_windows(count: usize) {
    for _ in 0..count {
        pass_to(&rules(), WINDOW - Duration::from_millis(50)).await;
        pass_to(&rules(), Duration::from_millis(20)).await;
    }
}

#[test]
fn the_shipped_configuration_is_valid() {
    validate(&shipped("rlqs.yaml")).unwrap_or_else(|said| panic!("{said}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_envoys_divide_the_windows_by_weight_beside_a_native_client_and_exceed_none() {
    let (rules, server) = (rules(), Server::fresh());
    prepare(&server, Duration::ZERO).await;
    let provider = Provider::start(rules).expect("a provider");
    let configuration = addressed(&shipped("rlqs.yaml"), server.address(), provider.address());
    let (first, second) = (Envoy::start(&configuration).await, Envoy::start(&configuration).await);
    let native = Load::start(server.channel(), provider.address(), &[NATIVE]);
    let load = MeshLoad::start(&[first.address, second.address], &KINDS);
    pass_windows(WARM_UP + WINDOWS).await;
    load.stop().await;
    native.stop().await;
    let report = provider.stop();
    nothing_throttled(&report);
    let counted: Vec<_> = report.windows.iter().skip(report.windows.len() - WINDOWS).collect();
    let of = |team: &str| counted.iter().map(|window| window.teams.accepted(team)).sum::<u64>();
    let (used, most) =
        (counted.iter().map(|window| window.tally.accepted).sum::<u64>(), WINDOWS as u64 * u64::from(LIMIT));
    let (sync, crm) = (of("sync"), of("crm"));
    let rest = format!("support {}, native {}", of("support"), of("default"));
    println!("used {used} of {most} permits, sync : crm = {sync} : {crm}, {rest}");
    assert!(used * 100 >= most * 90, "used {used} of {most}; {rest}; {}", windows(&report));
    let per_mille = sync * 1_000 / crm.max(1);
    assert!(
        (2_550..=3_450).contains(&per_mille),
        "sync : crm = {sync} : {crm}; {rest}; {}",
        windows(&report)
    );
    server.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_exceeded_through_a_kill_of_the_server_and_its_assignments_end() {
    let (rules, home) = (rules(), tempfile::tempdir().expect("a directory"));
    let server = Server::start(home.path());
    prepare(&server, Duration::ZERO).await;
    let (address, provider) = (server.address(), Provider::start(rules.clone()).expect("a provider"));
    let configuration = addressed(&shipped("rlqs.yaml"), address, provider.address());
    let (first, second) = (Envoy::start(&configuration).await, Envoy::start(&configuration).await);
    // One team names itself, the other requests name none.
    let kinds = [KINDS[0], Clients { team: "", ..KINDS[1] }];
    let load = MeshLoad::start(&[first.address, second.address], &kinds);
    pass_windows(2).await;
    pass_to(&rules, Duration::from_millis(600)).await;
    server.kill();
    pass_to(&rules, Duration::from_millis(3_600)).await;
    let ended = provider.report().total.arrivals;
    assert!(ended > 0, "nothing was assigned");
    pass_to(&rules, Duration::from_millis(2_000)).await;
    assert_eq!(provider.report().total.arrivals, ended, "requests passed without an assignment");
    let server = Server::start_at(home.path(), address);
    pass_windows(4).await;
    load.stop().await;
    let report = provider.stop();
    nothing_throttled(&report);
    let last = report.windows.back().expect("a window").tally.accepted;
    assert!(last > u64::from(LIMIT) / 2, "not served again: {}", windows(&report));
    server.stop_cleanly();
}
