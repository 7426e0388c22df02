//! What people see of a workspace: its limits and its teams now. Nothing here decides.

use super::Allocator;
use crate::ids::{LimitId, TeamId};
use crate::limit::Exhausted;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::tree::NodeIx;
use crate::time::{Span, Timestamp};
use crate::window::Window;
use std::collections::BTreeMap;

/// A whole, in the unit of a share.
const BILLION: u128 = 1_000_000_000;

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
    /// Permits of it that others used, as far as responses showed.
    pub others: Permits,
    /// Whether ordinary grants are made now.
    pub is_open: bool,
    /// Until when the provider is to be left alone, if it is.
    pub cooldown_until: Option<Timestamp>,
    /// Whether the provider said that this window is exhausted.
    pub is_exhausted: bool,
    /// The window was open while the clock was wrong: nothing more of it.
    pub is_spent_by_clock: bool,
    /// How many responses were ignored since the limit was opened: they cannot be true, or leave no time to grant in.
    pub ignored: u64,
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
    /// Permits that are still kept for it, because it will probably ask.
    pub expected: u64,
    /// What its weight gives it of the budget among the teams that wait or were granted permits in this window, in
    /// billionths; rounded down.
    pub share_billionths: u32,
}

impl Allocator {
    /// The limits at `now`, in the order of the policy.
    pub fn limits_now(&mut self, now: Timestamp) -> Vec<LimitNow> {
        self.advance(now);
        let store_lost = self.store_lost;
        let show = |limit: &crate::limit::Limit| LimitNow {
            id: limit.id.clone(),
            window: limit.window,
            length: limit.facts.grid().length(),
            budget: limit.budget,
            left: limit.left(store_lost),
            booked: limit.booking.mark,
            others: limit.booking.charged + limit.booking.others,
            is_open: limit.is_open(now) && !limit.booking.is_exhausted(),
            cooldown_until: Some(limit.stop_until).filter(|until| *until > now),
            is_exhausted: limit.booking.exhausted == Exhausted::ByProvider,
            is_spent_by_clock: limit.booking.exhausted == Exhausted::ByClock,
            ignored: limit.ignored.into(),
        };
        self.limits.iter().map(show).collect()
    }

    /// Which of the limits is the scheduler's own.
    pub fn scheduler(&self) -> usize {
        self.scheduler
    }

    /// The teams at `now`, in order of id.
    pub fn teams_now(&mut self, now: Timestamp) -> Vec<TeamNow> {
        self.advance(now);
        let below = self.below();
        let active: Vec<bool> = (0..self.tree.places())
            .map(|v| below[v].permits > 0 || !self.tree[v].granted.is_zero())
            .collect();
        let ids: BTreeMap<NodeIx, &TeamId> = self.names.iter().map(|(id, v)| (v, id)).collect();
        let show = |(id, v): (&TeamId, NodeIx)| TeamNow {
            id: id.clone(),
            parent: ids.get(&self.tree.parent(v)).map(|&id| id.clone()),
            granted: self.tree[v].granted,
            waiting_permits: below[v].permits,
            waiting_requests: below[v].requests,
            expected: below[v].expected,
            share_billionths: self.share_now(v, &active),
        };
        self.names.iter().map(show).collect()
    }

    fn share_now(&self, team: NodeIx, active: &[bool]) -> u32 {
        if !active[team] {
            return 0;
        }
        let share = self.tree.path(team).fold(BILLION, |share, v| {
            let siblings = self.tree.children(self.tree.parent(v));
            let all: u128 =
                siblings.iter().filter(|&&v| active[v]).map(|&v| u128::from(self.tree[v].weight)).sum();
            share * u128::from(self.tree[v].weight) / all.max(1)
        });
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// What waits and is expected at every node, its parts counted in.
    fn below(&self) -> Vec<Below> {
        let mut below = vec![Below::default(); self.tree.places()];
        for team in self.names.nodes().filter(|&v| self.tree[v].is_leaf()) {
            let own = self.at(team);
            for v in self.tree.path(team) {
                below[v].permits += own.permits;
                below[v].expected += own.expected;
                for (sum, own) in below[v].requests.iter_mut().zip(own.requests) {
                    *sum = sum.saturating_add(own);
                }
            }
        }
        below
    }

    fn at(&self, team: NodeIx) -> Below {
        let mut own = Below::default();
        for (c, requests) in Priority::ALL.into_iter().zip(&mut own.requests) {
            own.permits += self.queued(team, c);
            *requests = self.lane(team, c).map_or(0, |lane| lane.requests);
            own.expected += self.limits[self.scheduler].holdback.hold(team, c);
        }
        own
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Below {
    permits: u64,
    requests: [u32; 3],
    expected: u64,
}
