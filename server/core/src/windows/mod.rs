//! The windows of a workspace's limits: what is left in each, what is held back, and the floors of priorities.
//!
//! A grant is charged to the windows of all limits. One limit, the one with the shortest window, is the *primary* one: its windows
//! pace decisions, and caps, floors and reservations count in them. Knows nothing of who waits, nor of leases.

mod blocks;
mod change;
mod observe;
mod roll;
pub(crate) mod side;

use self::side::{Edges, Side};
use crate::facts::Learnt;
use crate::ids::LimitId;
use crate::limit::Limit;
use crate::permits::Permits;
use crate::policy::{LimitPolicy, Policy, Share};
use crate::priority::{PerPriority, Priority};
use crate::share::floor::Floor;
use crate::share::tree::NodeIx;
use crate::time::Timestamp;
use std::collections::BTreeMap;

pub(crate) use self::blocks::BlockDemand;
pub(crate) use self::change::LimitChange;
pub(crate) use self::observe::SentUnder;

/// The windows of all limits.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    limits: Vec<Limit>,
    /// The place of the primary limit.
    primary: usize,
    /// The largest lease that policy allows.
    largest_lease: Permits,
    floors: PerPriority<Floor>,
    /// The largest grant of this window.
    largest_grant: Permits,
    /// Windows of the primary limit so far.
    count: u64,
    /// When the first round of decisions of this window began; the end of time: not yet. None: it is over.
    first_round: Option<Timestamp>,
    is_store_lost: bool,
}

/// Permits of a team that are charged, or put back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TeamGrant {
    pub(crate) team: NodeIx,
    pub(crate) priority: Priority,
    pub(crate) permits: Permits,
    /// Permits that wait there.
    pub(crate) queued: u64,
}

/// How the window of a limit was charged for a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Charged {
    /// Not yet: it will start without what came back.
    No,
    /// By the grant.
    ByGrant,
    /// It started with the lease, which was granted before the limit was added or changed.
    Carried,
}

impl Windows {
    /// The windows of a policy's limits, in the series 1, 2, ….
    pub(crate) fn new(policy: &Policy, learnt: &BTreeMap<LimitId, Learnt>, now: Timestamp) -> Self {
        let limit = |(limit, series): (&LimitPolicy, u32)| {
            Limit::new(limit, policy, learnt.get(&limit.id), series, now)
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
    pub(crate) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// The limit that paces decisions.
    pub(crate) fn primary(&self) -> &Limit {
        &self.limits[self.primary]
    }

    /// Its place among the limits.
    pub(crate) fn primary_place(&self) -> usize {
        self.primary
    }

    /// Windows of the primary limit so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Whether the store cannot be reached.
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
    pub(crate) fn first_round_floor(&self, c: Priority) -> Permits {
        if self.first_round.is_some() { self.floors[c].left() } else { Permits::ZERO }
    }

    /// A round of decisions begins. Those who waited when the window opened are decided on for the first time until one of them
    /// is stalled no longer and time has passed.
    pub(crate) fn begin_round(&mut self, now: Timestamp, is_stalled: bool) {
        let began = self.first_round.map(|began| began.min(now));
        self.first_round = began.filter(|&began| began == now || is_stalled);
    }

    /// A team's queue changed: what is held back for it follows.
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

    /// Forgets a team that was removed.
    pub(crate) fn forget(&mut self, team: NodeIx) {
        for limit in &mut self.limits {
            limit.forget(team);
        }
    }

    /// So much counts as granted to unknown teams, under every cap. Returns the sum of all that does.
    pub(crate) fn count_elsewhere(&mut self, n: Permits) -> Permits {
        let blocks = &mut self.limits[self.primary].blocks;
        blocks.booked_elsewhere += n;
        blocks.booked_elsewhere
    }

    /// Caps count in the primary window from now on, of which teams are known to have been granted `known`. Returns what counts as
    /// granted to every team: the rest of this window, and of the next.
    pub(crate) fn count_all_but(&mut self, known: Permits) -> (Permits, Permits) {
        let limit = &mut self.limits[self.primary];
        limit.blocks.booked_elsewhere = limit.blocks.gone().less(known);
        (limit.blocks.booked_elsewhere, limit.next_blocks.gone())
    }

    /// Whether the blocks do not hold `n` permits more.
    pub(crate) fn lack_blocks(&self, n: Permits, edges: &Edges) -> bool {
        let lacks = |(limit, is_edge): (&Limit, bool)| {
            limit.blocks.free < n || (is_edge && limit.next_blocks.free < n)
        };
        self.limits.iter().zip(edges.iter()).any(lacks)
    }

    /// Charges a grant to every window; at an edge to the next one too.
    pub(crate) fn charge(&mut self, grant: &TeamGrant, edges: &Edges) {
        let &TeamGrant { team, priority, permits, queued } = grant;
        for (limit, is_edge) in self.limits.iter_mut().zip(edges.iter()) {
            limit.blocks.take(permits);
            if is_edge {
                limit.next_blocks.take(permits);
            }
            limit.counts(is_edge).grant(team, priority, permits, queued);
        }
        self.floors[priority].spend(permits);
        self.largest_grant = self.largest_grant.max(permits);
    }

    /// Permits of a lease came back: they go into the blocks of every window that was charged.
    pub(crate) fn put_back(&mut self, n: Permits, charged: &[Charged]) {
        for (limit, charged) in self.limits.iter_mut().zip(charged) {
            match charged {
                Charged::ByGrant => limit.blocks.put_back(n),
                Charged::Carried => limit.blocks.put_back_carried(n),
                Charged::No => {}
            }
        }
    }

    /// They were granted in the primary window in force: they do not count there any more.
    pub(crate) fn uncount(&mut self, grant: &TeamGrant, is_edge: bool) {
        let &TeamGrant { team, priority, permits, queued } = grant;
        if is_edge {
            self.limits[self.primary].next_blocks.put_back(permits);
        }
        self.floors[priority].restore(permits);
        let primary = self.primary;
        for (at, limit) in self.limits.iter_mut().enumerate() {
            limit.counts(is_edge && at == primary).give_back(team, priority, permits, queued);
        }
    }
}
