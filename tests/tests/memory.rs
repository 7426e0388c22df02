//! What a workspace costs while nobody asks. The only test of its file: it measures the memory of its process.

use apportion_core::allocator::Allocator;
use apportion_core::bounds::Bounds;
use apportion_core::ids::{LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, TeamPolicy};
use apportion_core::time::{Span, Timestamp};

const COUNT: usize = 5_000;

/// The memory of this process that is in use, in bytes.
fn memory() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("a system that tells");
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line for it");
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok());
    kib.expect("a number of KiB") * 1024
}

fn idle() -> Allocator {
    let limit = LimitPolicy {
        id: LimitId::new("per-minute").expect("a name"),
        permits: Permits::new(1_000).expect("a small number"),
        window: Span::from_secs(60),
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    let team = |name| TeamPolicy::new(TeamId::new(name).expect("a name"));
    let policy = Policy::plain(limit, ["checkout", "search", "mail", "reports"].map(team).to_vec());
    Allocator::new(policy, Bounds::DEFAULT, Timestamp::from_ns(600_000_000_000)).expect("a valid policy")
}

#[test]
#[cfg(target_os = "linux")]
fn an_idle_workspace_of_four_teams_takes_two_kibibytes_at_most() {
    let before = memory();
    let workspaces: Vec<Allocator> = (0..COUNT).map(|_| idle()).collect();
    let each = (memory() - before) / COUNT;
    assert!(each <= 2_048, "{each} bytes for each of {}", workspaces.len());
}
