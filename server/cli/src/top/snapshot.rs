//! From a snapshot of the server to the view.

use super::model::{LimitRow, TeamRow, View};
use crate::terminal::printable;
use apportion_proto::v1;
use std::collections::BTreeMap;
use std::time::Duration;

impl View {
    /// The view of a snapshot.
    pub(super) fn new(snapshot: &v1::WorkspaceSnapshot) -> Self {
        // Teams are counted in the window of the first limit with the shortest window.
        let shortest = snapshot.limits.iter().min_by_key(|limit| span(limit.window.as_ref()));
        let budget = shortest.map_or(0, |limit| limit.budget_permits);
        Self {
            workspace: printable(&snapshot.workspace),
            trouble: trouble(snapshot.trouble(), &snapshot.trouble_message),
            limits: snapshot.limits.iter().map(limit).collect(),
            teams: tree(&snapshot.teams, budget),
            waiting_requests: snapshot.waiting_requests,
        }
    }
}

fn trouble(reason: v1::Reason, message: &str) -> Option<String> {
    let text = match reason {
        v1::Reason::Unspecified => return None,
        v1::Reason::StoreLost => "the store is unavailable; only booked permits are granted",
        v1::Reason::ProviderCooldown => "the provider throttles; nothing is granted until its cooldown ends",
        v1::Reason::Draining => "the server is stopping; new requests are refused",
        v1::Reason::ClockUnsteady => "the server's clock jumped; nothing is granted until it is stable",
        v1::Reason::WorkspaceClosed => "what the store holds of the workspace cannot be used",
        _ => "nothing is granted",
    };
    let name = reason.as_str_name().trim_start_matches("REASON_");
    let text = if message.is_empty() { text.into() } else { printable(message) };
    Some(format!("{name}: {text}"))
}

fn limit(limit: &v1::LimitState) -> LimitRow {
    let differs = limit.configured_permits != 0 && limit.configured_permits != limit.budget_permits;
    LimitRow {
        id: printable(&limit.limit),
        elapsed: span(limit.elapsed.as_ref()),
        window: span(limit.window.as_ref()),
        budget: limit.budget_permits,
        configured: differs.then_some(limit.configured_permits),
        left: limit.left_permits,
        booked: limit.booked_permits,
        others: limit.others_permits,
        open: limit.open,
        exhausted: limit.exhausted,
        cooldown: limit.cooldown.as_ref().map(|left| span(Some(left))),
    }
}

/// The teams; child teams follow their parent.
fn tree(teams: &[v1::TeamState], budget: u32) -> Vec<TeamRow> {
    let mut parts: BTreeMap<&str, Vec<&v1::TeamState>> = BTreeMap::new();
    for team in teams {
        parts.entry(&team.parent_team).or_default().push(team);
    }
    let mut shown = Vec::with_capacity(teams.len());
    let mut open: Vec<(usize, &v1::TeamState)> = Vec::new();
    let push = |open: &mut Vec<_>, depth, of: &str| {
        open.extend(parts.get(of).into_iter().flatten().rev().map(|&team| (depth, team)));
    };
    push(&mut open, 0, "");
    while let Some((depth, state)) = open.pop() {
        shown.push(team(state, depth, budget));
        push(&mut open, depth + 1, &state.team);
    }
    shown
}

fn team(state: &v1::TeamState, depth: usize, budget: u32) -> TeamRow {
    let share = u64::from(state.share_billionths) * u64::from(budget) / 1_000_000_000;
    let slowest = |of: fn(&v1::Waits) -> Option<&prost_types::Duration>| {
        state.waits.iter().filter_map(of).map(|wait| span(Some(wait))).max()
    };
    TeamRow {
        id: printable(&state.team),
        depth,
        priorities: priorities(state.priority(), state.highest_priority()),
        weight: state.weight,
        reserved: state.reservation_permits,
        cap: state.cap_permits,
        granted: state.granted_permits,
        share: u32::try_from(share).unwrap_or(u32::MAX),
        waiting: state.waiting_permits,
        expected: state.expected_permits,
        refused: state.waits.iter().map(|waits| waits.refused_requests).sum(),
        p50: slowest(|waits| waits.p50_wait.as_ref()),
        p99: slowest(|waits| waits.p99_wait.as_ref()),
    }
}

/// The default priority, and the highest where it differs.
fn priorities(ordinary: v1::Priority, highest: v1::Priority) -> String {
    let name = |priority| match priority {
        v1::Priority::Unspecified => "-",
        v1::Priority::Critical => "crit",
        v1::Priority::Default => "def",
        v1::Priority::Sheddable => "shed",
    };
    if ordinary == highest { name(ordinary).into() } else { format!("{}..{}", name(ordinary), name(highest)) }
}

/// A duration of the contract; absent or negative is zero.
fn span(wire: Option<&prost_types::Duration>) -> Duration {
    wire.and_then(|&wire| Duration::try_from(wire).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::sort::Sort;

    fn state(id: &str, parent: &str) -> v1::TeamState {
        v1::TeamState { team: id.into(), parent_team: parent.into(), ..v1::TeamState::default() }
    }

    fn seconds(seconds: i64) -> Option<prost_types::Duration> {
        Some(prost_types::Duration { seconds, nanos: 0 })
    }

    #[test]
    fn parts_stand_behind_what_they_are_part_of_and_alone_in_every_other_order() {
        let mut teams = [state("a", "z"), state("b", ""), state("c", "a"), state("d", "z"), state("z", "")];
        teams[2].granted_permits = 9;
        let view = View::new(&v1::WorkspaceSnapshot { teams: teams.into(), ..Default::default() });
        let told = |sort| -> Vec<(String, usize)> {
            view.sorted(sort).into_iter().map(|team| (team.id, team.depth)).collect()
        };
        let named = |told: &[(&str, usize)]| -> Vec<(String, usize)> {
            told.iter().map(|&(id, depth)| (id.into(), depth)).collect()
        };
        assert_eq!(told(Sort::Tree), named(&[("b", 0), ("z", 0), ("a", 1), ("c", 2), ("d", 1)]));
        assert_eq!(told(Sort::Granted), named(&[("c", 0), ("a", 0), ("b", 0), ("d", 0), ("z", 0)]));
    }

    #[test]
    fn a_share_is_told_in_permits_of_the_shortest_window_and_waits_are_those_of_the_slowest_priority() {
        let limit = |budget_permits, window| v1::LimitState {
            budget_permits,
            configured_permits: 100,
            window: seconds(window),
            ..v1::LimitState::default()
        };
        let waits = |p99: Option<i64>, refused_requests| v1::Waits {
            p99_wait: p99.and_then(seconds),
            refused_requests,
            ..v1::Waits::default()
        };
        let team = v1::TeamState {
            share_billionths: 250_000_000,
            priority: v1::Priority::Sheddable.into(),
            highest_priority: v1::Priority::Critical.into(),
            waits: vec![waits(Some(2), 1), waits(Some(7), 2), waits(None, 4)],
            ..state("a", "")
        };
        let view = View::new(&v1::WorkspaceSnapshot {
            limits: vec![limit(1_000, 60), limit(100, 10)],
            teams: vec![team],
            trouble: v1::Reason::StoreLost.into(),
            ..Default::default()
        });
        let shown = &view.teams[0];
        assert_eq!((shown.share, shown.refused, shown.p99), (25, 7, Some(Duration::from_secs(7))));
        assert_eq!((&*shown.priorities, shown.p50), ("shed..crit", None));
        assert_eq!((view.limits[0].configured, view.limits[1].configured), (Some(100), None));
        assert!(view.trouble.expect("there is some").starts_with("STORE_LOST: "));
    }
}
