//! Decisions: reservations first, then priorities in strict order, each down to the floors below it.

use apportion_core::priority::Priority;
use apportion_core::scenario::Record;

use super::edge::opens_for;
use super::request::Request;
use super::state::{BILLION, Oracle, permits};
use super::tags;
use super::tree::{OpenLease, PRIORITIES, ROOT};
use crate::ratio::Ratio;

impl Oracle<'_> {
    /// Grants what the rules allow at this instant.
    pub(super) fn decide(&mut self) {
        if !self.is_open() && !self.look_ahead() {
            return;
        }
        while self.left > 0 && self.serve_a_reservation() {}
        let is_opening = self.now == self.opened();
        let mut progress = true;
        while progress && self.left > 0 {
            progress = false;
            for c in 0..PRIORITIES {
                progress |= self.serve_a_priority(c, is_opening);
            }
        }
    }

    /// One grant to the holder with the smallest part of its reservation; false: no reservation is open.
    fn serve_a_reservation(&mut self) -> bool {
        let mut best: Option<((Ratio, usize), usize, usize)> = None;
        let opening = self.opening();
        for v in (1..self.tree.nodes.len()).filter(|&v| self.owed(v)) {
            let candidate = (0..PRIORITIES).filter(|&c| self.is_served(c)).find_map(|c| {
                let fits = |leaf: usize, n: i128| {
                    n <= self.left && self.below_caps(leaf, n) && opens_for(opening.as_ref(), leaf, c, n)
                };
                Some((self.pick(v, c, &fits)?, c))
            });
            if let Some((leaf, c)) = candidate {
                let key = (Ratio::whole(self.tree.nodes[v].granted) / self.scaled(v), v);
                if best.as_ref().is_none_or(|(least, ..)| key < *least) {
                    best = Some((key, leaf, c));
                }
            }
        }
        let Some(((_, holder), leaf, c)) = best else { return false };
        self.grant(leaf, c, holder);
        true
    }

    fn serve_a_priority(&mut self, c: usize, is_opening: bool) -> bool {
        let mut progress = false;
        while self.left > 0 && self.is_served(c) {
            let opening = self.opening();
            let fits = |leaf: usize, n: i128| {
                let fits_now = self.below_caps(leaf, n) && self.fits(leaf, c, n, is_opening);
                fits_now && opens_for(opening.as_ref(), leaf, c, n)
            };
            let Some(leaf) = self.pick(ROOT, c, &fits) else { break };
            self.grant(leaf, c, ROOT);
            progress = true;
        }
        progress
    }

    pub(super) fn below_caps(&self, leaf: usize, n: i128) -> bool {
        self.tree.room(leaf).is_none_or(|room| n <= room)
    }

    pub(super) fn fits(&self, leaf: usize, c: usize, n: i128, is_opening: bool) -> bool {
        let by_floor = is_opening && self.floor_left(c) >= n;
        let held = if by_floor { 0 } else { self.held(leaf, c, self.now) };
        n + held + self.lower_floors(c) <= self.left
    }

    fn floor_left(&self, c: usize) -> i128 {
        (self.credit[c] - self.used[c] * BILLION).div_euclid(BILLION).max(0)
    }

    /// Kept for lower priorities that have a head which fits into what is left and under every cap of its path: a
    /// leaf itself still waits where only a team above it is at its cap, and what is kept for it would be lost.
    fn lower_floors(&self, c: usize) -> i128 {
        let wanted = |k: usize| {
            self.tree.leaves[ROOT].iter().any(|&leaf| {
                let reaches = |n| n <= self.left && self.below_caps(leaf, n);
                self.tree.nodes[leaf].waits[k] && self.head(leaf, k).is_some_and(reaches)
            })
        };
        (c + 1..PRIORITIES).filter(|&k| self.is_served(k) && wanted(k)).map(|k| self.floor_left(k)).sum()
    }

    /// The next leaf below `v` among those whose head fits.
    fn pick(&self, v: usize, c: usize, fits: &dyn Fn(usize, i128) -> bool) -> Option<usize> {
        let node = &self.tree.nodes;
        if self.tree.children[v].is_empty() {
            return (node[v].waits[c] && fits(v, self.head(v, c)?)).then_some(v);
        }
        let candidates: Vec<(usize, usize)> = self
            .tree
            .waiting(v, c)
            .filter(|&ch| self.cap_lets_in(ch, c))
            .filter_map(|ch| Some((ch, self.pick(ch, c, fits)?)))
            .collect();
        let regular = || candidates.iter().filter(|(ch, _)| node[*ch].debt[c] == 0);
        if regular().next().is_none() {
            let least = candidates.iter().min_by_key(|(ch, _)| (node[*ch].tag[c], node[*ch].last, *ch));
            return least.map(|&(_, leaf)| leaf);
        }
        let weights: i128 = regular().map(|(ch, _)| node[*ch].weight).sum();
        let total: i128 = regular().map(|(ch, _)| node[*ch].weight * node[*ch].tag[c]).sum();
        regular()
            .filter(|(ch, _)| node[*ch].tag[c] * weights <= total)
            .min_by_key(|(ch, _)| (self.virtual_deadline(*ch, c), node[*ch].last, *ch))
            .map(|&(_, leaf)| leaf)
    }

    /// The virtual deadline of what a node would be granted next.
    fn virtual_deadline(&self, v: usize, c: usize) -> i128 {
        let leaf = self.tree.children[v].is_empty();
        let n = if leaf { self.head(v, c).unwrap_or(1) } else { 1 };
        self.tree.nodes[v].tag[c] + tags::step(n, self.tree.nodes[v].weight)
    }

    fn grant(&mut self, leaf: usize, c: usize, holder: usize) {
        let place = self.tree.nodes[leaf].queue[c][0];
        let request = self.requests[place].clone();
        let n = request.permits;
        self.left -= n;
        self.used[c] += n;
        self.largest = self.largest.max(n);
        self.grants += 1;
        for v in self.tree.path[leaf].clone() {
            self.tree.nodes[v].last = self.grants;
        }
        self.record_grant(place);
        let (is_edge, by_clock) = (!self.is_open(), self.by_clock());
        self.win(leaf, c, n, is_edge);
        self.tree.nodes[leaf].leases.push_back(OpenLease {
            permits: n,
            priority: c,
            holder,
            is_edge,
            by_clock,
        });
        self.tree.charge(leaf, c, n, holder);
        self.remove_one(place);
        self.ask_again_later(place, request);
        self.refresh_around(leaf);
    }

    /// A backlog never gets shorter; a worker asks again after a pause.
    fn ask_again_later(&mut self, place: usize, request: Request) {
        if let Some(think) = request.think {
            let due = self.due_at(self.now + think, place);
            self.thinking.insert(due);
        }
        if request.is_backlog {
            let deadline = self.deadline(request.demand);
            self.push(Request { count: 1, arrived: self.now, deadline, ..request });
        }
    }

    fn record_grant(&mut self, place: usize) {
        let Request { priority, permits: n, demand, .. } = self.requests[place];
        let asked = &self.scenario.demand[demand];
        self.log.push(Record::Grant {
            at: self.instant(),
            team: asked.team.clone(),
            caller: asked.caller.clone(),
            priority: Priority::ALL[priority],
            permits: permits(n),
            window: self.by_clock(),
            edge: !self.is_open(),
            waited: self.waited(place),
            tag: asked.tag.clone(),
        });
    }
}
