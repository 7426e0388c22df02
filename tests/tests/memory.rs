//! The memory of an idle workspace. The only test of its file, since it measures its process.

use apportion_core::allocator::Allocator;
use apportion_core::bounds::Bounds;
use apportion_core::ids::{LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, TeamPolicy};
use apportion_core::time::{Span, Timestamp};
use apportion_tests::memory::resident;

const COUNT: usize = 5_000;

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
fn an_idle_workspace_of_four_teams_takes_at_most_1920_bytes() {
    let before = resident();
    let workspaces: Vec<Allocator> = (0..COUNT).map(|_| idle()).collect();
    let each = (resident() - before) / COUNT;
    assert!(each <= 1_920, "{each} bytes for each of {}", workspaces.len());
}
