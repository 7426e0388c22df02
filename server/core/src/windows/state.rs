//! The windows of all limits, and what can be read of them.

use super::side::{Edges, Side};
use crate::facts::Learned;
use crate::ids::LimitId;
use crate::limit::Limit;
use crate::permits::Permits;
use crate::policy::{LimitPolicy, Policy, Share};
use crate::priority::{PerPriority, Priority};
use crate::share::floor::Floor;
use crate::share::tree::NodeIx;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The windows of all limits.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    pub(super) limits: Vec<Limit>,
    /// The place of the primary limit.
    pub(super) primary: usize,
    /// The largest lease that policy allows.
    pub(super) largest_lease: Permits,
    pub(super) floors: PerPriority<Floor>,
    /// The largest grant of this window.
    pub(super) largest_grant: Permits,
    /// Windows of the primary limit so far.
    pub(super) count: u64,
    /// When the first round of decisions of this window began; [`Timestamp::MAX`] before that, `None` once it has ended.
    pub(super) first_round: Option<Timestamp>,
    pub(super) is_store_lost: bool,
}

impl Windows {
    /// The windows of a policy's limits, in the series 1, 2, ….
    pub(crate) fn new(policy: &Policy, learned: &BTreeMap<LimitId, Learned>, now: Timestamp) -> Self {
        let limit = |(limit, series): (&LimitPolicy, u32)| {
            Limit::new(limit, policy, learned.get(&limit.id), series, now)
        };
        Self {
            limits: policy.limits.iter().zip(1..).map(limit).collect(),
            primary: policy.primary_limit(),
            largest_lease: policy.largest(),
            floors: PerPriority::default(),
            largest_grant: Permits::ONE,
            count: 0,
            first_round: None,
            is_store_lost: false,
        }
    }

    /// All limits, in the order of policy.
    #[inline]
    pub(crate) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// The limit that paces decisions.
    #[inline]
    pub(crate) fn primary(&self) -> &Limit {
        &self.limits[self.primary]
    }

    /// Its place among the limits.
    #[inline]
    pub(crate) fn primary_place(&self) -> usize {
        self.primary
    }

    /// Windows of the primary limit so far.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Whether the store cannot be reached.
    #[inline]
    pub(crate) fn is_store_lost(&self) -> bool {
        self.is_store_lost
    }

    /// Whether permits of every limit's window may be granted.
    pub(crate) fn are_open(&self, now: Timestamp) -> bool {
        self.limits.iter().all(|limit| limit.is_open(now))
    }

    /// Whether a window has ended.
    pub(crate) fn are_over(&self, now: Timestamp) -> bool {
        self.limits.iter().any(|limit| now >= limit.next_opens())
    }

    /// The limits whose windows are at their edge.
    #[inline]
    pub(crate) fn edges(&self, now: Timestamp) -> Edges {
        Edges::of(self.limits.iter().map(|limit| !limit.is_open(now)))
    }

    /// Permits left in the primary window.
    pub(crate) fn left(&self) -> Permits {
        self.primary().left(self.is_store_lost)
    }

    /// The same on either side.
    pub(crate) fn left_of(&self, side: Side) -> Permits {
        match side {
            Side::This => self.left(),
            Side::Next => self.primary().left_next(self.is_store_lost),
        }
    }

    /// The least that is left in any window.
    pub(crate) fn least_left(&self) -> Permits {
        let left = self.limits.iter().map(|limit| limit.left(self.is_store_lost));
        left.min().unwrap_or(Permits::ZERO)
    }

    /// The budget of the primary window.
    pub(crate) fn budget_of(&self, side: Side) -> Permits {
        match side {
            Side::This => self.primary().budget,
            Side::Next => self.primary().next_budget(),
        }
    }

    /// The largest request that may be granted, as far as policy and budgets go.
    pub(crate) fn largest_possible(&self) -> Permits {
        let budgets = self.limits.iter().map(|limit| limit.budget.max(limit.next_budget()));
        budgets.min().unwrap_or(Permits::ZERO).min(self.largest_lease)
    }

    /// The largest lease that policy allows.
    #[inline]
    pub(crate) fn largest_lease(&self) -> Permits {
        self.largest_lease
    }

    /// What is left of a priority's floor; in the next window as it will open while a head of that size waits.
    pub(crate) fn floor_left(
        &self,
        c: Priority,
        side: Side,
        floors: &PerPriority<Share>,
        largest_head: impl FnOnce() -> Permits,
    ) -> Permits {
        match side {
            Side::This => self.floors[c].left(),
            Side::Next => {
                let granted = self.primary().next_holdback().map_or(0, |holdback| holdback.granted_in(c));
                let budget = self.primary().next_budget();
                self.floors[c].following(floors[c], budget, largest_head(), granted).left()
            }
        }
    }

    /// What a priority may take of its floor beside what is held back: only in the first round of a window.
    #[inline]
    pub(crate) fn first_round_floor(&self, c: Priority) -> Permits {
        if self.first_round.is_some() { self.floors[c].left() } else { Permits::ZERO }
    }

    /// Begins a round of decisions. The first round of a window lasts for one instant, and while a head waits for a block.
    pub(crate) fn begin_round(&mut self, now: Timestamp, is_stalled: bool) {
        let began = self.first_round.map(|began| began.min(now));
        self.first_round = began.filter(|&began| began == now || is_stalled);
    }

    /// Updates what is held back for a team after its queue changed.
    pub(crate) fn refresh(&mut self, team: NodeIx, c: Priority, queued: u64) {
        for limit in &mut self.limits {
            limit.refresh(team, c, queued);
        }
    }

    /// A request that came before the guard was not granted.
    pub(crate) fn cut_short(&mut self, team: NodeIx, c: Priority) {
        for limit in &mut self.limits {
            limit.holdback.cut_short(team, c);
        }
    }

    /// A request was granted before the guard, in whole or in part.
    pub(crate) fn note_grant(&mut self, team: NodeIx, c: Priority, is_partial: bool) {
        for limit in &mut self.limits {
            limit.holdback.note_grant(team, c, is_partial);
        }
    }

    /// Forgets a team that was removed.
    pub(crate) fn forget(&mut self, team: NodeIx) {
        for limit in &mut self.limits {
            limit.forget(team);
        }
    }
}
