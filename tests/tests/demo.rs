//! A short run of the demo: it meets its targets, and no process outlives it, however it ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use apportion_tests::process::child::{Child, Signal};
use apportion_tests::process::pass;
use apportion_tests::process::program::program;
use rustix::process::{Pid, kill_process};

/// Longest time until all processes of a killed demo have exited.
const EXIT: Duration = Duration::from_secs(10);

fn demo(svg: &Path, more: &[&str]) -> Child {
    // Built before any time is measured.
    let _ = program();
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    Child::start(command.args(["--only-apportion", "--svg"]).arg(svg).args(more))
}

#[test]
fn the_demo_is_not_throttled_and_shares_by_weight() {
    let home = tempfile::tempdir().expect("a directory");
    let svg = home.path().join("demo.svg");
    let rules = r#"{"limit": 166, "window_ms": 5000}"#;
    let mut demo = demo(&svg, &["--rules", rules, "--seconds", "20"]);
    let (status, lines) = demo.ended(Duration::from_secs(60)).expect("it exits by itself");
    let output = lines.join("\n");
    println!("{output}");
    let target = |name: &str| {
        lines.iter().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {output}"))
    };
    assert!(target("throttled by the provider: 0, target 0").starts_with("met "), "{output}");
    // A permit or two of a window depend on timing; a larger deviation would be the fault of the weights.
    let share: Option<f64> = target("sync : crm from the third window on")
        .split_whitespace()
        .rev()
        .nth(9)
        .and_then(|share| share.parse().ok());
    assert!(share.is_some_and(|share| (2.6..3.4).contains(&share)), "{share:?}: {output}");
    // The other targets depend on the load of this machine; the exit status says whether one is missed.
    assert_eq!(status.code(), Some(i32::from(output.contains("MISSED"))), "{output}\n{}", demo.stderr());
    let accepted = cell(&lines, "accepted");
    assert!((600..=4 * 166).contains(&accepted), "{accepted} accepted of 664");
    assert_eq!(cell(&lines, "throttled (429)"), 0, "{output}");
    let svg = std::fs::read_to_string(svg).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("none throttled"));
}

/// The number in a line of the table.
fn cell(lines: &[String], name: &str) -> u64 {
    let line = lines.iter().find(|line| line.starts_with(name)).expect("a line of the table");
    line.split_whitespace().last().and_then(|cell| cell.parse().ok()).expect("a number")
}

#[tokio::test]
async fn no_process_outlives_a_demo_that_is_killed() {
    let home = tempfile::tempdir().expect("a directory");
    let demo = demo(&home.path().join("demo.svg"), &["--rules", r#"{"window_ms": 5000}"#]);
    // Its first line comes when every process has been started.
    let _ = demo.line();
    let below = below(&demo);
    demo.signal(Signal::KILL);
    drop(demo);
    until_all_have_exited(&below).await;
}

#[tokio::test]
async fn no_process_outlives_a_demo_that_fails() {
    let home = tempfile::tempdir().expect("a directory");
    let rules = ["--rules", r#"{"window_ms": 5000}"#, "--seconds", "5"];
    let mut demo = demo(&home.path().join("demo.svg"), &rules);
    let _ = demo.line();
    let below = below(&demo);
    let service = *below.iter().find(|process| is_service(**process)).expect("a service");
    kill_process(Pid::from_raw(service.cast_signed()).expect("a process"), Signal::KILL).expect("it runs");
    let (status, _) = demo.ended(Duration::from_secs(60)).expect("it exits by itself");
    assert_eq!(status.code(), Some(2), "{}", demo.stderr());
    assert!(demo.stderr().contains("failed with"), "{}", demo.stderr());
    until_all_have_exited(&below).await;
}

fn is_service(process: u32) -> bool {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|argument| argument == b"service")
}

/// The processes that a demo has started, and those that they have started.
fn below(demo: &Child) -> Vec<u32> {
    let (top, parents) = (demo.id(), parents());
    let below = parents.keys().copied().filter(|process| descends(&parents, *process, top));
    let below: Vec<u32> = below.collect();
    assert!(below.len() >= 6, "four services, a supervisor and a server, not {below:?}");
    below
}

async fn until_all_have_exited(below: &[u32]) {
    let since = Instant::now();
    while below.iter().any(|process| self::parents().contains_key(process)) {
        assert!(since.elapsed() < EXIT, "some of {below:?} are still running");
        pass(Duration::from_millis(50)).await;
    }
}

/// The parent of each process that runs; zombies do not.
fn parents() -> BTreeMap<u32, u32> {
    let processes = std::fs::read_dir("/proc").expect("a list of processes").flatten();
    let each = processes.filter_map(|entry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name, in brackets, may hold anything; then come the state and the parent.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        (state != "Z").then_some((process, fields.next()?.parse().ok()?))
    });
    each.collect()
}

fn descends(parents: &BTreeMap<u32, u32>, process: u32, from: u32) -> bool {
    std::iter::successors(parents.get(&process), |parent| parents.get(parent)).any(|parent| *parent == from)
}
