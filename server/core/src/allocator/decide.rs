//! Decisions: reservations first, then priorities in order, until nothing more can be granted.

use super::kept::Side;
use super::pick::{Bound, Candidate, Within};
use super::{Allocator, Known};
use crate::lease::Open;
use crate::permits::Permits;
use crate::policy::LIMITS_MAX;
use crate::priority::Priority;
use crate::queue::Waiting;
use crate::request::{Answer, Lease, Outcome, Ticket};
use crate::share::tree::{NodeIx, Tree};
use crate::slab::Slot;
use crate::time::Timestamp;

/// A request that is granted.
struct Granted {
    ticket: Ticket,
    request: Waiting,
    team: NodeIx,
    n: Permits,
    /// The node whose reservation was used; the root: none.
    holder: NodeIx,
}

impl Allocator {
    /// Grants what can be granted at this instant, then refuses what cannot be met any more.
    pub fn decide(&mut self, now: Timestamp) {
        let rolls = self.limits.iter().any(|limit| now >= limit.next_opens());
        let lone = self.lone.take_if(|_| !rolls);
        self.advance(now);
        let now = now.max(self.advanced_to);
        self.see_off(now);
        let began = self.first_round.map(|began| began.min(now));
        self.first_round = began.filter(|&began| began == now || self.stalled);
        match lone {
            Some(slot) if self.grant_alone(now, slot).is_some() => {
                self.stalled = false;
                self.fresh.clear();
                self.watched = 0;
            }
            lone => {
                lone.into_iter().for_each(|slot| self.line_up(slot));
                self.decide_among_all(now);
            }
        }
        self.ask_for_blocks(now);
    }

    fn decide_among_all(&mut self, now: Timestamp) {
        self.grant_all(now);
        // Nobody is refused for want of a block: the next decision comes with it.
        let refused = self.refuse_hopeless(now);
        if (!self.stalled && self.expire(now, true)) || refused {
            self.grant_all(now); // their places in the queues are free now
        }
    }

    /// Grants a request beside which nobody waits, if that is possible now. Tags and lanes need not know of it: whoever waits next
    /// begins a new busy period, as it would have had this one waited for a moment.
    fn grant_alone(&mut self, now: Timestamp, slot: Slot) -> Option<()> {
        if self.unwritten > 0 || self.reserved > 0 || !self.limits.iter().all(|limit| limit.is_open(now)) {
            return None;
        }
        self.decay(now);
        let Waiting { caller, priority, min_permits, permits, .. } = self.queue[slot];
        let team = self.queue.callers[caller].team;
        let floor = if self.first_round.is_some() { self.floors[priority].left() } else { Permits::ZERO };
        let within = Within { this: Bound::Kept { lower: 0, protected: 0, floor }, next: None };
        let most = self.tree.room(team).min(self.most(team, priority, &within));
        let n = permits.min(most).min(self.policy.largest());
        if min_permits > most || self.limits.iter().any(|limit| limit.booking.free < n) {
            return None;
        }
        let ticket = self.queue.ticket(slot);
        let request = self.queue.remove(slot)?;
        self.queue.callers[caller].last = self.tree.grants + 1;
        for limit in &mut self.limits {
            limit.take(n);
        }
        self.count(team, caller, priority, n, &[false; LIMITS_MAX]);
        self.tree.for_path(team, |node| node.granted += n);
        self.hand_out(now, Granted { ticket, request, team, n, holder: Tree::ROOT }, &[false; LIMITS_MAX]);
        Some(())
    }

    fn grant_all(&mut self, now: Timestamp) {
        self.stalled = false;
        if self.competing() == 0 {
            return;
        }
        if self.unwritten > 0 {
            self.stalled = true;
            return;
        }
        self.decay(now);
        let edge = !self.limits.iter().all(|limit| limit.is_open(now));
        if edge && !self.look_ahead(now) {
            return;
        }
        let _ = self.grant_reserved(now, edge).and_then(|()| self.grant_by_priority(now, edge));
    }

    /// The least that is left in any window.
    pub(super) fn least_left(&self) -> Permits {
        let left = self.limits.iter().map(|limit| limit.left(self.store_lost));
        left.min().unwrap_or(Permits::ZERO)
    }

    /// 1. Nodes below their reservation, the one that has the least part of it first. Nothing where a block is missing.
    fn grant_reserved(&mut self, now: Timestamp, edge: bool) -> Option<()> {
        while let Some((holder, candidate)) = self.pick_reserved(now, edge) {
            self.grant(now, candidate, holder)?;
        }
        Some(())
    }

    fn pick_reserved(&self, now: Timestamp, edge: bool) -> Option<(NodeIx, Candidate)> {
        let left = self.least_left();
        if self.reserved == 0 || left.is_zero() {
            return None;
        }
        let mut best: Option<(NodeIx, Candidate)> = None;
        for v in self.names.nodes() {
            if !self.is_below_reservation(v, Side::This) {
                continue;
            }
            let pick = |c| {
                let next = if edge { self.next_of(c, now) } else { None };
                self.pick(v, c, &Within { this: Bound::Flat(left), next })
            };
            let Some(found) = self.served(edge).find_map(pick) else { continue };
            if best.is_none_or(|(other, _)| self.has_less_of_its_reservation(v, other)) {
                best = Some((v, found));
            }
        }
        best
    }

    fn has_less_of_its_reservation(&self, v: NodeIx, other: NodeIx) -> bool {
        let part =
            |a: NodeIx, b: NodeIx| u64::from(self.tree[a].granted) * u64::from(self.tree[b].reservation);
        (part(v, other), v) < (part(other, v), other)
    }

    /// The priorities that are served now: at an edge those that may have edge permits.
    pub(super) fn served(&self, edge: bool) -> impl Iterator<Item = Priority> {
        Priority::ALL.into_iter().filter(move |&c| !edge || self.policy.has_edges(c))
    }

    /// 2. Priorities, the highest first; repeated until a round grants nothing, since a grant can free what was kept.
    fn grant_by_priority(&mut self, now: Timestamp, edge: bool) -> Option<()> {
        loop {
            let mut progress = false;
            for c in Priority::ALL {
                while let Some(candidate) = self.pick_of_priority(c, now, edge) {
                    self.grant(now, candidate, Tree::ROOT)?;
                    progress = true;
                }
            }
            if !progress {
                return Some(());
            }
        }
    }

    fn pick_of_priority(&self, c: Priority, now: Timestamp, edge: bool) -> Option<Candidate> {
        if !self.tree.is_contested(Tree::ROOT, c) || self.least_left().is_zero() {
            return None;
        }
        let remaining = self.limits[self.scheduler].remaining(now);
        let this = Bound::Kept {
            lower: self.kept_for_floors(c, edge),
            protected: self.kept_for_reservations(Tree::ROOT, Side::This, remaining),
            floor: if self.first_round.is_some() { self.floors[c].left() } else { Permits::ZERO },
        };
        let next = if edge { Some(self.next_of(c, now)?) } else { None };
        self.pick(Tree::ROOT, c, &Within { this, next })
    }

    /// Grants a head. Nothing where the booked blocks do not hold it: then a block is asked for and nobody overtakes.
    pub(super) fn grant(&mut self, now: Timestamp, candidate: Candidate, holder: NodeIx) -> Option<()> {
        let Candidate { team, caller, priority, most, .. } = candidate;
        let slot = self.queue.first(caller, priority)?;
        let n = self.queue[slot].permits.min(most).min(self.policy.largest());
        let mut edge = [false; LIMITS_MAX];
        for (limit, edge) in self.limits.iter().zip(&mut edge) {
            *edge = !limit.is_open(now);
        }
        let lacks = |(limit, edge): (&crate::limit::Limit, &bool)| {
            limit.booking.free < n || (*edge && limit.next.free < n)
        };
        if self.limits.iter().zip(&edge).any(lacks) {
            self.stalled = true;
            self.lacking = n;
            return None;
        }
        let ticket = self.queue.ticket(slot);
        self.hide_other_heads(caller, priority);
        let request = self.take_out_granted(slot, n)?;
        for (limit, edge) in self.limits.iter_mut().zip(&edge) {
            limit.take(n);
            if *edge {
                limit.next.free -= n;
            }
        }
        self.account(team, caller, priority, n, holder, &edge);
        if edge[self.scheduler] {
            self.tree.for_path(team, |node| node.granted_next += n);
        }
        self.hand_out(now, Granted { ticket, request, team, n, holder }, &edge);
        if self.queue.first(caller, priority).is_some() {
            self.refuse_impossible(team); // the next one may be larger than can be granted by now
        }
        for c in Priority::ALL {
            self.update_waits(team, c); // a grant may bring a cap to its end
        }
        Some(())
    }

    /// The lease of a granted request, and the answer.
    fn hand_out(&mut self, now: Timestamp, granted: Granted, edge: &[bool]) {
        let Granted { ticket, request, team, n, holder } = granted;
        let lease = self.lease(now, n, request.priority, edge);
        if let Some(id) = &request.request_id {
            self.known.insert((request.caller, id.clone()), Known::Granted(lease.id));
        }
        self.leases.insert(Open {
            lease,
            team,
            caller: request.caller,
            holder,
            content: request.content(),
            edge: edge[self.scheduler],
            spent_before: self.spent,
            used: Permits::ZERO,
            returned: Permits::ZERO,
            final_at: Timestamp::MAX,
            former: 0,
            request_id: request.request_id,
            told: 1,
        });
        if edge[self.scheduler] {
            self.queue.callers[request.caller].seen = self.rolls + 1; // its lease ends with the next window
        }
        self.answers.push_back(Answer { ticket, outcome: Outcome::Granted(lease) });
    }

    fn lease(&mut self, now: Timestamp, n: Permits, priority: Priority, edge: &[bool]) -> Lease {
        let ends = self.limits.iter().zip(edge).map(|(limit, edge)| {
            let window = if *edge { limit.next_window() } else { limit.window };
            window.leases_end(&limit.margins)
        });
        Lease {
            id: self.leases.next_id(),
            permits: n,
            priority,
            granted_at: now,
            ends_at: ends.min().unwrap_or(now),
            window_ends_at: self.limits[self.scheduler].window.end.earliest,
            left: self.left(),
            contended: self.competing() > 0,
        }
    }

    /// A grant of `n` counts: in floors, expectations, tags of teams.
    fn account(
        &mut self,
        team: NodeIx,
        caller: Slot,
        c: Priority,
        n: Permits,
        holder: NodeIx,
        edge: &[bool],
    ) {
        self.count(team, caller, c, n, edge);
        self.tree.charge(team, c, n, false, holder);
        self.show_heads(team, caller, c);
    }

    /// The part of this that is due also where nobody competes.
    fn count(&mut self, team: NodeIx, caller: Slot, c: Priority, n: Permits, edge: &[bool]) {
        self.floors[c].spend(n);
        self.largest = self.largest.max(n);
        self.tree.grants += 1;
        let grants = self.tree.grants;
        self.tree.for_path(team, |node| node.last = grants);
        self.queue.callers[caller].seen = self.rolls;
        let queued = self.queued(team, c);
        for (limit, &edge) in self.limits.iter_mut().zip(edge) {
            limit.won(edge).win(team, c, n, queued);
        }
    }

    /// The caller's heads in other priorities move with its tag.
    fn hide_other_heads(&mut self, caller: Slot, served: Priority) {
        for c in Priority::ALL.into_iter().filter(|&c| c != served) {
            self.hide_head(caller, c);
        }
    }

    /// Takes a granted head out and charges its caller in every lane of the team in which somebody waits. The caller's heads
    /// stay hidden until [`Allocator::show_heads`].
    fn take_out_granted(&mut self, slot: Slot, n: Permits) -> Option<Waiting> {
        let (caller, served) = (self.queue[slot].caller, self.queue[slot].priority);
        self.hide_head(caller, served);
        let team = self.queue.callers[caller].team;
        let budget = self.limits[self.scheduler].budget;
        let start = self.queue.callers[caller].standing[served].tag;
        self.lane_mut(team, served).serve(start);
        for c in Priority::ALL {
            let Some(lane) = self.teams[team].as_ref().map(|team| &team.lanes[c]) else { continue };
            if lane.requests == 0 {
                continue;
            }
            let entry = &mut self.queue.callers[caller];
            let standing = &mut entry.standing[c];
            if entry.fifo[c].requests == 0 {
                lane.join(standing);
            }
            let tag = standing.tag + u64::from(n);
            standing.tag = if c == served { tag } else { tag.min(lane.debt_limit(budget)).max(standing.tag) };
        }
        self.queue.callers[caller].last = self.tree.grants + 1;
        let request = self.queue.remove(slot)?;
        let is_late = self.is_late(&request);
        self.lane_mut(team, served).count_out(request.min_permits, is_late);
        Some(request)
    }

    /// Shows the caller's heads again.
    fn show_heads(&mut self, team: NodeIx, caller: Slot, served: Priority) {
        for c in Priority::ALL {
            self.show_head(caller, c);
        }
        if self.lane(team, served).is_some_and(|lane| lane.is_empty()) {
            self.lane_mut(team, served).rest();
        }
    }
}
