//! `apportion explain` and `apportion usage` against a running server, as text and as JSON.

use std::process::Output;
use std::time::Duration;

use apportion_proto::v1;
use apportion_tests::process::program::apportion;
use apportion_tests::process::server::Server;
use apportion_tests::process::status::reason;
use apportion_tests::process::wire::{Client, seconds};
use serde_json::{Value, json};

fn run(server: &Server, arguments: &[&str]) -> Output {
    let arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
    apportion(Some(server.address()), &arguments)
}

/// What a command prints that succeeds.
fn printed(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn in_json(server: &Server, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(server, &[arguments, &["--json"]].concat())).expect("JSON")
}

/// The reason for which a command fails.
fn refusal(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

fn acquire(caller: &str, permits: u32) -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        caller: caller.into(),
        permits: Some(permits),
        max_wait: Some(seconds(60)),
        ..v1::AcquireLeaseRequest::default()
    }
}

#[test]
fn explain_says_what_a_request_would_get_and_why() {
    let server = Server::fresh();
    let text = printed(&server, &["explain", "--permits", "167", "--caller", "desk"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "167 permits for default/default, caller desk, default");
    assert!(lines[1].starts_with("  refused now: TOO_LARGE: "), "{text}");
    assert_eq!(lines[2], "  why not now: it is refused on arrival (TOO_LARGE)");
    assert!(text.contains(" left of 166; "), "{text}");
    let explained = in_json(&server, &["explain", "--permits", "5", "--max-wait", "60s"]);
    assert_eq!(explained["prospect"]["outcome"], "granted", "{explained}");
    assert_eq!(explained["prospect"]["permits"], 5);
    let limit = &explained["limits"][0];
    assert_eq!((&limit["limit"], &limit["budget_permits"]), (&json!("per-10s"), &json!(166)));
    assert_eq!(explained["path"][0]["granted_permits"], 0, "an explanation took permits");
    assert!(refusal(&server, &["explain", "--workspace", "nowhere"]).contains("UNKNOWN_WORKSPACE"));
}

#[tokio::test]
async fn usage_reports_by_caller_team_and_priority_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::start(data.path());
    let mut client = Client::new(server.channel());
    client.acquire_lease(acquire("desk", 3)).await.expect("granted");
    client.acquire_lease(acquire("worker", 1)).await.expect("granted");
    let refused = client.acquire_lease(acquire("worker", 167)).await.expect_err("too large");
    assert_eq!(reason(&refused), "TOO_LARGE");
    drop(client);
    server.stop_cleanly();
    let server = Server::start(data.path());
    let by_caller = in_json(&server, &["usage", "--since", "24h", "--by", "caller"]);
    assert_eq!(by_caller["workspace"], "default");
    let rows: Vec<_> = by_caller["reports"].as_array().expect("reports").iter().flat_map(rows).collect();
    assert_eq!(rows, [("desk".into(), 3, json!({})), ("worker".into(), 1, json!({ "TOO_LARGE": 1 }))]);
    let by_team = printed(&server, &["usage", "--since", "24h"]);
    let cells: Vec<Vec<_>> = by_team.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[1][..3], ["TEAM", "GRANTED", "PERMITS"], "{by_team}");
    assert_eq!(cells[2][..3], ["default", "2", "4"], "{by_team}");
    assert!(by_team.ends_with("TOO_LARGE 1\n"), "{by_team}");
    let by_priority = printed(&server, &["usage", "--by", "priority", "--each", "day"]);
    assert!(by_priority.lines().any(|line| line.starts_with("default  default ")), "{by_priority}");
    let others = printed(&server, &["usage", "--team", "other"]);
    assert_eq!(others, "nothing was used in that time\n");
    assert!(refusal(&server, &["usage", "--since", "0s"]).contains("must be from 1s to 366d"));
    assert!(server.stop(Duration::from_secs(15)).success());
}

/// The caller of each row, its permits, and the reasons of its refusals.
fn rows(report: &Value) -> Vec<(String, u64, Value)> {
    let rows = report["rows"].as_array().expect("rows").iter();
    let caller = |row: &Value| row["caller"].as_str().expect("a caller").to_owned();
    rows.map(|row| (caller(row), row["granted_permits"].as_u64().unwrap_or_default(), row["refused"].clone()))
        .collect()
}
