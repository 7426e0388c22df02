//! What is shown of a workspace: a snapshot made ready for people. Pure; knows no terminal and no clock.

use crate::terminal::printable;
use apportion_proto::v1;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// A workspace at one instant.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct View {
    pub(super) workspace: String,
    /// Why nothing is granted; absent where nothing is wrong.
    pub(super) trouble: Option<String>,
    pub(super) limits: Vec<Limit>,
    /// Parts directly behind what they are part of.
    pub(super) teams: Vec<Team>,
    pub(super) waiting_requests: u32,
}

/// One limit and its window.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Limit {
    pub(super) id: String,
    pub(super) elapsed: Duration,
    pub(super) window: Duration,
    pub(super) budget: u32,
    /// What policy says the budget is, where the provider said otherwise.
    pub(super) configured: Option<u32>,
    pub(super) left: u32,
    pub(super) booked: u32,
    pub(super) others: u32,
    pub(super) open: bool,
    /// Whether the provider said that the window is exhausted.
    pub(super) exhausted: bool,
    pub(super) cooldown: Option<Duration>,
}

/// One team in the window of the shortest limit. Permits, but for `refused`: requests of the last minute.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Team {
    pub(super) id: String,
    /// How many teams it is nested in.
    pub(super) depth: usize,
    /// The priority of its requests, and the most urgent one they may have.
    pub(super) priorities: String,
    pub(super) weight: u32,
    pub(super) reserved: u32,
    pub(super) cap: Option<u32>,
    pub(super) granted: u32,
    pub(super) share: u32,
    pub(super) waiting: u64,
    pub(super) expected: u32,
    pub(super) refused: u64,
    /// How long half of the granted requests waited, in its slowest priority.
    pub(super) p50: Option<Duration>,
    /// How long 99 of 100 waited, in its slowest priority.
    pub(super) p99: Option<Duration>,
}

/// In which order teams are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Sort {
    /// Parts behind what they are part of.
    #[default]
    Tree,
    /// The most granted permits first.
    Granted,
    /// The most waiting permits first.
    Waiting,
    /// The slowest first.
    Slowest,
}

impl Sort {
    /// The order after this one, in a circle.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Tree => Self::Granted,
            Self::Granted => Self::Waiting,
            Self::Waiting => Self::Slowest,
            Self::Slowest => Self::Tree,
        }
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Granted => "granted",
            Self::Waiting => "waiting",
            Self::Slowest => "p99",
        }
    }
}

impl View {
    /// What a snapshot says.
    pub(super) fn new(snapshot: &v1::WorkspaceSnapshot) -> Self {
        // Teams speak of the window of the first limit with the shortest.
        let shortest = snapshot.limits.iter().min_by_key(|limit| span(limit.window.as_ref()));
        let budget = shortest.map_or(0, |limit| limit.budget_permits);
        Self {
            workspace: printable(&snapshot.workspace),
            trouble: trouble(snapshot.trouble()),
            limits: snapshot.limits.iter().map(limit).collect(),
            teams: tree(&snapshot.teams, budget),
            waiting_requests: snapshot.waiting_requests,
        }
    }

    /// The teams in that order. Out of the tree none is nested.
    pub(super) fn sorted(&self, sort: Sort) -> Vec<Team> {
        let mut teams = self.teams.clone();
        if sort != Sort::Tree {
            teams.iter_mut().for_each(|team| team.depth = 0);
        }
        teams.sort_by(|a, b| {
            let order = match sort {
                Sort::Tree => return std::cmp::Ordering::Equal,
                Sort::Granted => b.granted.cmp(&a.granted),
                Sort::Waiting => b.waiting.cmp(&a.waiting),
                Sort::Slowest => b.p99.cmp(&a.p99),
            };
            order.then_with(|| a.id.cmp(&b.id))
        });
        teams
    }
}

/// The view for programs; times in seconds.
pub(super) fn json(view: &View) -> serde_json::Value {
    let seconds = |span: Duration| span.as_secs_f64();
    let limit = |limit: &Limit| {
        json!({
            "limit": limit.id,
            "elapsed_s": seconds(limit.elapsed),
            "window_s": seconds(limit.window),
            "budget_permits": limit.budget,
            "configured_permits": limit.configured.unwrap_or(limit.budget),
            "left_permits": limit.left,
            "booked_permits": limit.booked,
            "others_permits": limit.others,
            "open": limit.open,
            "exhausted": limit.exhausted,
            "cooldown_s": limit.cooldown.map(seconds),
        })
    };
    let team = |team: &Team| {
        json!({
            "team": team.id,
            "depth": team.depth,
            "priorities": team.priorities,
            "weight": team.weight,
            "reservation_permits": team.reserved,
            "cap_permits": team.cap,
            "granted_permits": team.granted,
            "share_permits": team.share,
            "waiting_permits": team.waiting,
            "expected_permits": team.expected,
            "refused_requests": team.refused,
            "p50_wait_s": team.p50.map(seconds),
            "p99_wait_s": team.p99.map(seconds),
        })
    };
    json!({
        "workspace": view.workspace,
        "trouble": view.trouble,
        "waiting_requests": view.waiting_requests,
        "limits": view.limits.iter().map(limit).collect::<Vec<_>>(),
        "teams": view.teams.iter().map(team).collect::<Vec<_>>(),
    })
}

fn trouble(reason: v1::Reason) -> Option<String> {
    let told = match reason {
        v1::Reason::Unspecified => return None,
        v1::Reason::StoreLost => "the store cannot be reached; what is booked is still granted",
        v1::Reason::ProviderCooldown => "the provider throttles; nothing more is granted in this window",
        v1::Reason::Draining => "the server is about to stop; newcomers are refused",
        v1::Reason::ClockUnsteady => "the server's clock jumped; nothing is granted until it is steady",
        _ => "nothing is granted",
    };
    Some(format!("{}: {told}", reason.as_str_name().trim_start_matches("REASON_")))
}

fn limit(limit: &v1::LimitState) -> Limit {
    let differs = limit.configured_permits != 0 && limit.configured_permits != limit.budget_permits;
    Limit {
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

/// The teams, parts behind what they are part of.
fn tree(teams: &[v1::TeamState], budget: u32) -> Vec<Team> {
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

fn team(state: &v1::TeamState, depth: usize, budget: u32) -> Team {
    let share = u64::from(state.share_billionths) * u64::from(budget) / 1_000_000_000;
    let slowest = |of: fn(&v1::Waits) -> Option<&prost_types::Duration>| {
        state.waits.iter().filter_map(of).map(|wait| span(Some(wait))).max()
    };
    Team {
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

/// From the priority of a team's requests to the most urgent one they may have.
fn priorities(ordinary: v1::Priority, highest: v1::Priority) -> String {
    let name = |priority| match priority {
        v1::Priority::Unspecified => "-",
        v1::Priority::Critical => "crit",
        v1::Priority::Default => "def",
        v1::Priority::Sheddable => "shed",
    };
    if ordinary == highest { name(ordinary).into() } else { format!("{}..{}", name(ordinary), name(highest)) }
}

/// A duration of the wire; none or a negative one is nothing.
fn span(wire: Option<&prost_types::Duration>) -> Duration {
    wire.and_then(|&wire| Duration::try_from(wire).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_orders_go_round() {
        let mut sort = Sort::default();
        let names = [(); 4].map(|()| {
            let name = sort.name();
            sort = sort.next();
            name
        });
        assert_eq!((names, sort), (["tree", "granted", "waiting", "p99"], Sort::Tree));
    }
}
