//! The demo, shortened: it shows what it is meant to show, and nothing of it outlives it, however it ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use apportion_tests::process::child::{Child, Signal};
use apportion_tests::process::pass;
use apportion_tests::process::server::program;

/// Longest time until all processes of a demo that was killed are gone.
const GONE: Duration = Duration::from_secs(10);

fn demo(svg: &Path, more: &[&str]) -> Child {
    // Built before any time is measured.
    let _ = program();
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    Child::start(command.args(["--only-apportion", "--svg"]).arg(svg).args(more))
}

#[test]
fn the_demo_is_not_throttled_and_parts_by_weight() {
    let home = tempfile::tempdir().expect("a directory");
    let svg = home.path().join("demo.svg");
    let rules = r#"{"limit": 166, "window_ms": 5000}"#;
    let mut demo = demo(&svg, &["--rules", rules, "--seconds", "20"]);
    let (status, lines) = demo.ended(Duration::from_secs(60)).expect("it ends by itself");
    let said = lines.join("\n");
    println!("{said}");
    let aim = |name: &str| {
        lines.iter().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {said}"))
    };
    assert!(aim("throttled by the provider: 0, aim 0").starts_with("met "), "{said}");
    // A permit or two of a window hang on timing: more would be the weights' own.
    let share: Option<f64> = aim("sync : crm from the third window on")
        .split_whitespace()
        .rev()
        .nth(7)
        .and_then(|share| share.parse().ok());
    assert!(share.is_some_and(|share| (2.6..3.4).contains(&share)), "{share:?}: {said}");
    // The others depend on how busy this machine is, but what is missed is told.
    assert_eq!(status.code(), Some(i32::from(said.contains("MISSED"))), "{said}\n{}", demo.complaints());
    let through = cell(&lines, "got through");
    assert!((600..=4 * 166).contains(&through), "{through} got through of 664");
    assert_eq!(cell(&lines, "answered with 429"), 0, "{said}");
    let svg = std::fs::read_to_string(svg).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("no 429"));
}

/// The number in a line of the table.
fn cell(lines: &[String], name: &str) -> u64 {
    let line = lines.iter().find(|line| line.starts_with(name)).expect("a line of the table");
    line.split_whitespace().last().and_then(|cell| cell.parse().ok()).expect("a number")
}

#[tokio::test]
async fn nothing_outlives_a_demo_that_is_killed() {
    let home = tempfile::tempdir().expect("a directory");
    let demo = demo(&home.path().join("demo.svg"), &["--rules", r#"{"window_ms": 5000}"#]);
    // Its first line comes when every process has been started.
    let _ = demo.line();
    let (top, parents) = (demo.id(), parents());
    let below = parents.keys().copied().filter(|process| descends(&parents, *process, top));
    let below: Vec<u32> = below.collect();
    assert!(below.len() >= 6, "four services, a keeper and a server, not {below:?}");
    demo.signal(Signal::KILL);
    let killed = Instant::now();
    drop(demo);
    while below.iter().any(|process| self::parents().contains_key(process)) {
        assert!(killed.elapsed() < GONE, "some of {below:?} go on");
        pass(Duration::from_millis(50)).await;
    }
}

/// The parent of each process that runs; those that only wait to be buried do not.
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
