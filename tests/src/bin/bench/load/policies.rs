//! The policies under load.

use apportion_core::ids::{LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::time::Span;

/// The window of the limit.
pub(super) const WINDOW: Span = Span::from_secs(60);

/// `n` permits.
pub(crate) fn permits(n: u32) -> Permits {
    Permits::new(n).expect("a number of permits")
}

/// A team of that name.
pub(crate) fn team(name: &str, parent: Option<&str>, weight: u32) -> TeamPolicy {
    let id = |name| TeamId::new(name).expect("a name");
    TeamPolicy {
        parent: parent.map(id),
        weight,
        highest_priority: Priority::Critical,
        ..TeamPolicy::new(id(name))
    }
}

/// A limit of `budget` permits a minute and these teams.
pub(crate) fn policy(budget: u32, teams: Vec<TeamPolicy>) -> Policy {
    let id = LimitId::new("per-minute").expect("a name");
    let limit = LimitPolicy {
        id,
        permits: permits(budget),
        window: WINDOW,
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    Policy::plain(limit, teams)
}

/// Ten teams: two groups of three teams each, and two teams outside of them.
pub(super) fn eight_teams() -> Vec<TeamPolicy> {
    let mut teams =
        vec![team("shop", None, 4), team("data", None, 2), team("web", None, 3), team("ops", None, 1)];
    for (parent, child, weight) in [
        ("shop", "cart", 3),
        ("shop", "search", 2),
        ("shop", "mail", 1),
        ("data", "etl", 1),
        ("data", "reports", 1),
        ("data", "lab", 2),
    ] {
        teams.push(team(child, Some(parent), weight));
    }
    teams
}

/// A policy that uses every rule: caps, reservations, floors, holdback.
pub(super) fn every_rule(budget: u32) -> Policy {
    let mut teams = eight_teams();
    for team in &mut teams {
        match team.id.as_str() {
            "data" | "mail" => team.cap = Some(permits(budget / 5)),
            "cart" | "ops" => team.reservation = permits(budget / 10),
            _ => {}
        }
    }
    let percent = |parts: [u32; 3]| PerPriority(parts.map(Share::from_percent));
    Policy {
        holdback: percent([10, 0, 0]),
        floors: percent([0, 10, 5]),
        largest_lease: Some(permits(64)),
        ..policy(budget, teams)
    }
}
