//! What people see of a workspace: its limits and its teams now. Nothing here decides.

use super::state::Allocator;
use crate::blocks::Exhausted;
use crate::ids::{LimitId, TeamId};
use crate::limit::Limit;
use crate::permits::Permits;
use crate::policy::BILLION;
use crate::priority::Priority;
use crate::share::tree::NodeIx;
use crate::time::{Span, Timestamp};
use crate::window::Window;
use std::collections::BTreeMap;

/// One limit, and its window now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitNow {
    /// The limit.
    pub id: LimitId,
    /// The window in force: the one that opened last.
    pub window: Window,
    /// The length of a window.
    pub length: Span,
    /// The budget of this window.
    pub budget: Permits,
    /// Permits of it that may still be granted.
    pub left: Permits,
    /// Permits of it that are booked, by anyone.
    pub booked: Permits,
    /// External use of it, as far as responses showed.
    pub external_use: Permits,
    /// Whether ordinary grants are made now.
    pub is_open: bool,
    /// Until when nothing is sent to the provider, if it asked for that.
    pub cooldown_until: Option<Timestamp>,
    /// Whether the provider reported that this window is exhausted.
    pub is_exhausted: bool,
    /// The window was open while the clock was wrong: nothing more of it.
    pub is_spent_by_clock: bool,
    /// How many responses were ignored since the limit was opened: they cannot be true, or leave no time to grant in.
    pub ignored: u64,
    /// How many responses throttled a request or asked to wait, since the limit was opened.
    pub throttles: u64,
}

/// One team in the scheduler's window now; what it is made of is counted in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TeamNow {
    /// The team.
    pub id: TeamId,
    /// The team that it is part of.
    pub parent: Option<TeamId>,
    /// Permits granted in this window, less those that came back.
    pub granted: Permits,
    /// Permits for which requests wait.
    pub waiting_permits: u64,
    /// Requests that wait, by priority.
    pub waiting_requests: [u32; 3],
    /// Permits that are still held back for it, because it will probably ask.
    pub expected: u64,
    /// What its weight gives it of the budget among the teams that wait or were granted permits in this window, in
    /// billionths; rounded down.
    pub share_billionths: u32,
}

impl Allocator {
    /// The limits at `now`, in the order of the policy.
    pub fn limits_now(&mut self, now: Timestamp) -> Vec<LimitNow> {
        self.advance(now);
        let is_store_lost = self.windows.is_store_lost();
        self.windows.limits().iter().map(|limit| limit_now(limit, now, is_store_lost)).collect()
    }

    /// The teams at `now`, in order of id.
    pub fn teams_now(&mut self, now: Timestamp) -> Vec<TeamNow> {
        self.advance(now);
        let (below, tree) = (self.below(), self.contest.tree());
        let is_active = |v: NodeIx| below[v.place()].permits > 0 || !tree[v].granted.is_zero();
        let active: Vec<bool> = tree.all().map(is_active).collect();
        let ids: BTreeMap<NodeIx, &TeamId> = self.contest.teams().map(|(id, v)| (v, id)).collect();
        let show = |(id, v): (&TeamId, NodeIx)| TeamNow {
            id: id.clone(),
            parent: ids.get(&tree.parent(v)).map(|&id| id.clone()),
            granted: tree[v].granted,
            waiting_permits: below[v.place()].permits,
            waiting_requests: below[v.place()].requests,
            expected: below[v.place()].expected,
            share_billionths: self.share_now(v, &active),
        };
        self.contest.teams().map(show).collect()
    }

    fn share_now(&self, team: NodeIx, active: &[bool]) -> u32 {
        let (tree, is_active) = (self.contest.tree(), |v: NodeIx| active[v.place()]);
        if !is_active(team) {
            return 0;
        }
        let share = tree.path(team).fold(u128::from(BILLION), |share, v| {
            let siblings = tree.children(tree.parent(v)).iter().filter(|&&v| is_active(v));
            let all: u128 = siblings.map(|&v| u128::from(tree[v].weight)).sum();
            share * u128::from(tree[v].weight) / all.max(1)
        });
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// What waits and is expected at every node, its parts counted in.
    fn below(&self) -> Vec<Below> {
        let tree = self.contest.tree();
        let mut below = vec![Below::default(); tree.places()];
        for team in self.contest.nodes().filter(|&v| tree[v].is_leaf()) {
            let own = self.at(team);
            for v in tree.path(team) {
                below[v.place()].permits += own.permits;
                below[v.place()].expected += own.expected;
                for (sum, own) in below[v.place()].requests.iter_mut().zip(own.requests) {
                    *sum = sum.saturating_add(own);
                }
            }
        }
        below
    }

    fn at(&self, team: NodeIx) -> Below {
        let mut own = Below::default();
        for (c, requests) in Priority::ALL.into_iter().zip(&mut own.requests) {
            own.permits += self.contest.backlog().queued(team, c);
            *requests = self.contest.lane(team, c).map_or(0, |lane| lane.requests);
            own.expected += self.windows.primary().holdback.hold(team, c);
        }
        own
    }
}

fn limit_now(limit: &Limit, now: Timestamp, is_store_lost: bool) -> LimitNow {
    LimitNow {
        id: limit.id.clone(),
        window: limit.window,
        length: limit.length(),
        budget: limit.budget,
        left: limit.left(is_store_lost),
        booked: limit.blocks.mark,
        external_use: limit.blocks.external_booked + limit.blocks.external_unbooked,
        is_open: limit.is_open(now) && !limit.blocks.is_exhausted(),
        cooldown_until: Some(limit.cooldown_until).filter(|until| *until > now),
        is_exhausted: limit.blocks.exhausted == Exhausted::ByProvider,
        is_spent_by_clock: limit.blocks.exhausted == Exhausted::ByClock,
        ignored: limit.ignored.into(),
        throttles: limit.throttles.into(),
    }
}

/// What waits and is expected below a node, in the node itself included.
#[derive(Clone, Copy, Debug, Default)]
struct Below {
    permits: u64,
    requests: [u32; 3],
    expected: u64,
}
