//! Time passes: windows roll, and what is kept is let go.

use super::kept::Side;
use super::{Allocator, Known};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::queue::Caller;
use crate::share::holdback::sizes;
use crate::share::tree::{NodeIx, Tree};
use crate::time::Timestamp;
use crate::window::Window;
use std::collections::VecDeque;

impl Allocator {
    /// Brings every window up to `now` and refuses what waited its time out before. Time never goes back: an earlier
    /// `now` counts as the latest one.
    pub fn advance(&mut self, now: Timestamp) {
        if let Some(slot) = self.lone.take() {
            self.line_up(slot);
        }
        if now < self.advanced_to {
            return;
        }
        self.advanced_to = now;
        for at in 0..self.limits.len() {
            if now >= self.limits[at].next_opens() {
                self.catch_up(at, now);
            }
        }
        self.expire(now, false);
    }

    /// Windows in which nobody called are skipped, but for the last one: it was idle, and that is what counts.
    fn catch_up(&mut self, at: usize, now: Timestamp) {
        let (target, next) = (self.limits[at].window_of(now), self.limits[at].next_window());
        if target.start.earliest > next.start.earliest {
            self.roll(at, next, now);
            self.limits[at].next = Default::default();
        }
        if target.start.earliest > self.limits[at].window.start.earliest {
            self.roll(at, target, now);
        }
    }

    pub(super) fn roll(&mut self, at: usize, window: Window, now: Timestamp) {
        if at == self.scheduler {
            self.note_the_short();
        }
        let limit = &mut self.limits[at];
        limit.roll(window, now, self.spent);
        let won = limit.ahead.take();
        let (won, waits) = (won.as_ref().map(|ahead| &ahead.holdback), |_, _| false);
        limit.holdback = limit.holdback.following(&self.tree, limit.budget, &self.policy.floors, waits, won);
        if at == self.scheduler {
            self.roll_scheduler(now);
        }
        self.decay_limit(at, now);
    }

    /// Teams with a request that came before the guard and still waits were cut short.
    fn note_the_short(&mut self) {
        for team in 0..self.teams.len() {
            for c in Priority::ALL {
                if self.lane(team, c).is_some_and(|lane| lane.requests > lane.late) {
                    for limit in &mut self.limits {
                        limit.holdback.cut_short(team, c);
                    }
                }
            }
        }
    }

    fn roll_scheduler(&mut self, now: Timestamp) {
        self.rolls += 1;
        // Who was here when it opened is decided on as at that instant, however late the call.
        let is_opening = self.limits[self.scheduler].opens() == now || self.competing() > 0;
        self.first_round = is_opening.then_some(Timestamp::MAX);
        self.close_leases(now);
        let budget = self.limits[self.scheduler].budget;
        let mut largest = self.largest;
        for c in Priority::ALL {
            let head = self.largest_head(c);
            largest = largest.max(head);
            let won = self.limits[self.scheduler].holdback.won_in(c);
            self.floors[c] = self.floors[c].following(self.policy.floors[c], budget, head, won);
        }
        self.largest = Permits::ONE;
        self.tree.foreign = self.limits[self.scheduler].booking.foreign;
        for v in 0..self.tree.places() {
            let node = &mut self.tree[v];
            node.granted = std::mem::take(&mut node.granted_next);
        }
        if let Some(former) = &mut self.former {
            former.departed.retain(|_, (granted, next)| {
                *granted = std::mem::take(next);
                !granted.is_zero()
            });
        }
        self.tree.bound(budget, largest);
        for team in 0..self.teams.len() {
            self.wake(team);
        }
        self.forget_the_idle();
    }

    pub(super) fn largest_head(&self, c: Priority) -> Permits {
        let lanes = (0..self.teams.len()).filter_map(|team| self.lane(team, c)?.largest());
        lanes.max().unwrap_or(Permits::ZERO)
    }

    /// A window started: heads that a cap stopped join again, without credit; those that can never be granted go.
    fn wake(&mut self, team: NodeIx) {
        if self.teams[team].is_none() {
            return;
        }
        for c in Priority::ALL {
            self.lane_mut(team, c).late = 0;
        }
        self.refuse_impossible(team);
        for c in Priority::ALL {
            self.update_waits(team, c);
        }
    }

    fn close_leases(&mut self, now: Timestamp) {
        if let Some(ended) = &mut self.ended {
            for key in std::mem::take(&mut ended[1]) {
                if self.known.get(&key) == Some(&Known::Ended) {
                    self.known.remove(&key);
                }
            }
            ended.swap(0, 1);
        }
        let (known, ended) = (&mut self.known, &mut self.ended);
        self.leases.roll(now, |caller, id| {
            known.insert((caller, id.clone()), Known::Ended);
            ended.get_or_insert_default()[0].push_back((caller, id));
        });
        self.ended.take_if(|ended| ended.iter().all(VecDeque::is_empty));
        // Who holds a lease of a former shape is not idle.
        for open in self.leases.iter().filter(|open| open.former != 0 && !open.is_closed()) {
            self.queue.callers[open.caller].seen = self.rolls;
        }
    }

    /// Callers that neither wait nor hold a lease since the last window are forgotten, and teams without callers cost nothing.
    fn forget_the_idle(&mut self) {
        let is_idle = |caller: &Caller| caller.is_idle(self.rolls) && !self.tree[caller.team].is_leaving;
        let idle = self.queue.callers.iter().filter(|(_, caller)| is_idle(caller));
        let idle = idle.map(|(slot, _)| slot).collect();
        self.forget_callers(&idle);
        for team in 0..self.teams.len() {
            if self.teams[team].as_ref().is_some_and(|team| team.callers.is_empty()) {
                self.teams[team] = None;
            }
        }
    }

    /// Lets go what time has let go since the last step.
    pub(super) fn decay(&mut self, now: Timestamp) {
        for at in 0..self.limits.len() {
            self.limits[at].let_go(now);
            if self.limits[at].holdback.next_step.is_some_and(|step| step <= now) {
                self.decay_limit(at, now);
            }
        }
    }

    /// Computes anew what is kept in a limit's window.
    pub(super) fn decay_limit(&mut self, at: usize, now: Timestamp) {
        let reserved: Vec<(u64, u64)> = if self.any_protected && at == self.scheduler {
            let protected = self.names.nodes().filter(|&v| self.tree[v].protected);
            protected.map(|v| self.scaled_reservation(v, Side::This)).collect()
        } else {
            Vec::new()
        };
        let limit = &self.limits[at];
        let (remaining, sizes) = (limit.remaining(now), sizes(&self.policy.holdback, limit.budget));
        let mut holdback = std::mem::take(&mut self.limits[at].holdback);
        holdback.decay(now, remaining, &sizes, &reserved, |team, c| self.queued(team, c));
        self.limits[at].holdback = holdback;
    }

    /// Everything below the root, for a look at all teams.
    pub(super) fn teams_below(&self, v: NodeIx) -> Vec<NodeIx> {
        let below = self.tree.children(v).iter().flat_map(|&child| self.teams_below(child));
        let own = (v != Tree::ROOT).then_some(v);
        own.into_iter().chain(below).collect()
    }
}
