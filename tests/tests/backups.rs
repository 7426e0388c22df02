//! A running server is backed up under load, and the backup is restored elsewhere: acknowledged changes are there, and no window is
//! granted twice.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::load::Load;
use apportion_tests::process::program::apportion;
use apportion_tests::process::server::Server;
use apportion_tests::process::status::reason;
use apportion_tests::process::wire::seconds;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass, pass_to, windows};
use apportion_tests::provider::{Provider, Rules};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::Channel;

fn backup(from: SocketAddr, to: &Path, more: &[&str]) -> Output {
    let mut arguments = vec![OsStr::new("backup"), to.as_os_str()];
    arguments.extend(more.iter().map(OsStr::new));
    apportion(Some(from), &arguments)
}

fn restore(from: &Path, to: &Path) -> Output {
    apportion(None, &["restore".as_ref(), from.as_os_str(), "--data-dir".as_ref(), to.as_os_str()])
}

/// Fails unless the command succeeded.
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The line with which the command failed.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// The names of the files in a directory, in order.
fn names(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().expect("readable");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Creates the teams `t-0`, `t-1` and so on until the server is gone; counts those that were acknowledged.
async fn create_teams(server: Channel, acknowledged: Arc<AtomicU32>) {
    let mut admin = AdminServiceClient::new(server);
    for number in 0.. {
        let request = v1::CreateTeamRequest {
            parent: "workspaces/default".into(),
            team_id: format!("t-{number}"),
            ..v1::CreateTeamRequest::default()
        };
        match admin.create_team(request).await {
            Ok(_) => acknowledged.fetch_add(1, Ordering::SeqCst),
            Err(_) => return,
        };
        pass(Duration::from_millis(20)).await;
    }
}

/// The numbers of the teams `t-…`, in order.
async fn teams(server: &Server) -> Vec<u32> {
    let request = v1::ListTeamsRequest {
        parent: "workspaces/default".into(),
        page_size: 1_000,
        ..v1::ListTeamsRequest::default()
    };
    let listed = AdminServiceClient::new(server.channel()).list_teams(request).await.expect("listed");
    let numbers = listed.into_inner().teams.into_iter().filter_map(|team| {
        team.name.strip_prefix("workspaces/default/teams/t-").map(|number| number.parse().expect("a number"))
    });
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_keeps_acknowledged_changes_and_grants_no_window_twice() {
    let rules = Rules::default();
    let provider = Provider::start(rules.clone()).expect("a provider");
    let home = tempfile::tempdir().expect("a directory");
    let [data, file, other] = ["data", "file", "other"].map(|name| home.path().join(name));
    let server = Server::start(&data);
    pass_to(&rules, Duration::from_millis(300)).await;
    // Part of the window is used when the backup is made, and nearly all of it when the server is killed.
    let slow = Workload { rest: Duration::from_millis(300), ..Workload::BUSY };
    let load = Load::start(server.channel(), provider.address(), &[slow]);
    let acknowledged = Arc::new(AtomicU32::new(0));
    let creating = tokio::spawn(create_teams(server.channel(), Arc::clone(&acknowledged)));
    pass(Duration::from_secs(1)).await;
    let before = acknowledged.load(Ordering::SeqCst);
    succeeded(&backup(server.address(), &file, &[]));
    let after = acknowledged.load(Ordering::SeqCst);
    pass(Duration::from_secs(2)).await;
    server.kill();
    creating.await.expect("no panic");
    succeeded(&restore(&file, &other));
    let restored = Server::start(&other);
    load.switch_to(restored.channel());
    let kept = teams(&restored).await;
    let (leases, deadline) = (load.log().leases.len(), Instant::now() + Duration::from_secs(60));
    while load.log().leases.len() < leases + 20 {
        assert!(Instant::now() < deadline, "the restored store grants nothing");
        pass(Duration::from_millis(100)).await;
    }
    let log = load.stop().await;
    let report = provider.stop();
    nothing_throttled(&report);
    assert!(before > 5, "only {before} teams were created before the backup");
    let count = u32::try_from(kept.len()).expect("few");
    assert_eq!(kept, (0..count).collect::<Vec<_>>(), "a change is missing although a later one is there");
    assert!(
        (before..=after + 1).contains(&count),
        "{before} to {after} were acknowledged, {count} are there"
    );
    println!("{count} teams, {} granted\n{}", log.granted(), windows(&report));
    restored.has_not_panicked();
}

async fn granted(server: &Server, permits: u32) -> Result<u32, String> {
    let request = v1::AcquireLeaseRequest {
        workspace: "yearly".into(),
        permits: Some(permits),
        max_wait: Some(prost_types::Duration::default()),
        ..v1::AcquireLeaseRequest::default()
    };
    let answer = QuotaServiceClient::new(server.channel()).acquire_lease(request).await;
    answer.map(|answer| answer.into_inner().lease.expect("a lease").permits).map_err(|status| reason(&status))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_counts_the_open_windows_as_spent() {
    let home = tempfile::tempdir().expect("a directory");
    let [data, file, other] = ["data", "file", "other"].map(|name| home.path().join(name));
    let server = Server::start(&data);
    let year = seconds(366 * 86_400);
    let limit =
        v1::Limit { limit_id: "year".into(), permits: 100, window: Some(year), ..v1::Limit::default() };
    let workspace = v1::Workspace {
        limits: vec![limit],
        largest_lease_permits: Some(100),
        holdback: Some(v1::PriorityShares::default()),
        ..v1::Workspace::default()
    };
    let request = v1::CreateWorkspaceRequest {
        workspace_id: "yearly".into(),
        workspace: Some(workspace),
        ..v1::CreateWorkspaceRequest::default()
    };
    AdminServiceClient::new(server.channel()).create_workspace(request).await.expect("created");
    assert_eq!(granted(&server, 30).await, Ok(30));
    succeeded(&backup(server.address(), &file, &[]));
    assert_eq!(granted(&server, 60).await, Ok(60));
    server.kill();
    succeeded(&restore(&file, &other));
    let restored = Server::start(&other);
    let refused = granted(&restored, 1).await.expect_err("90 were granted, 60 of them after the backup");
    assert!(["WINDOW_EXHAUSTED", "DEADLINE_TOO_SHORT"].contains(&&*refused), "{refused}");
    // The original store knows what it granted; the rest of its last block is lost.
    assert!(granted(&Server::start(&data), 11).await.is_err());
}

/// Relays connections to `to`, and closes each after `after` bytes of the response.
async fn relay_and_break(listener: TcpListener, to: SocketAddr, after: u64) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(async move {
            let server = TcpStream::connect(to).await.expect("it listens");
            let (mut from_client, mut to_client) = client.into_split();
            let (from_server, mut to_server) = server.into_split();
            let request =
                tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            let mut part = tokio::io::AsyncReadExt::take(from_server, after);
            let _ = tokio::io::copy(&mut part, &mut to_client).await;
            let _ = to_client.shutdown().await;
            request.abort();
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_breaks_off_leaves_no_file_and_keeps_an_existing_one() {
    let home = tempfile::tempdir().expect("a directory");
    let (data, out) = (home.path().join("data"), home.path().join("out"));
    std::fs::create_dir(&out).expect("made");
    let file = out.join("file");
    let server = Server::start(&data);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let breaking = listener.local_addr().expect("an address");
    tokio::spawn(relay_and_break(listener, server.address(), 30_000));
    refusal(&tokio::task::block_in_place(|| backup(breaking, &file, &[])));
    assert_eq!(names(&out), [""; 0]);
    succeeded(&backup(server.address(), &file, &[]));
    let whole = std::fs::read(&file).expect("readable");
    assert!(whole.len() > 60_000, "too short to be broken off: {}", whole.len());
    let existing = refusal(&backup(server.address(), &file, &[]));
    assert!(existing.contains("already exists: use --force to replace it"), "{existing}");
    refusal(&tokio::task::block_in_place(|| backup(breaking, &file, &["--force"])));
    assert_eq!(names(&out), ["file"]);
    assert_eq!(std::fs::read(&file).expect("readable"), whole);
    succeeded(&backup(server.address(), &file, &["--force"]));
    assert_eq!(names(&data), ["apportion.lock", "apportion.redb"]);
}

#[test]
fn restore_and_an_offline_backup_refuse_a_store_in_use() {
    let home = tempfile::tempdir().expect("a directory");
    let [data, file, other] = ["data", "file", "other"].map(|name| home.path().join(name));
    let server = Server::start(&data);
    succeeded(&backup(server.address(), &file, &[]));
    let offline = ["--force", "--data-dir", data.to_str().expect("printable")];
    let used = format!("a server uses {}", data.display());
    let refused = [
        refusal(&restore(&file, &data)),
        refusal(&restore(&data.join("apportion.redb"), &other)),
        refusal(&backup(server.address(), &file, &offline)),
    ];
    assert!(refused.iter().all(|line| line.contains(&used)), "{refused:?}");
    assert!(!other.exists());
    server.stop_cleanly();
    let existing = refusal(&restore(&file, &data));
    assert!(existing.contains("already exists: use --replace to replace it"), "{existing}");
    let absent = refusal(&restore(&home.path().join("absent"), &other));
    assert!(absent.contains("absent cannot be read"), "{absent}");
    let nowhere = refusal(&backup(([127, 0, 0, 1], 1).into(), &other, &[]));
    assert!(nowhere.contains("cannot connect to"), "{nowhere}");
    assert!(!other.exists());
    succeeded(&backup(([127, 0, 0, 1], 1).into(), &file, &offline));
    succeeded(&restore(&file, &other));
    Server::start(&other).kill();
}
