//! Requests while they wait: FIFOs of batches, who waits at all, refusals, and the earliest possible grant.

use super::tree::ROOT;
use super::{Oracle, PRIORITIES, permits, unsigned};
use apportion_core::priority::Priority;
use apportion_core::request::Reason;
use apportion_core::scenario::{Record, Verdict};
use apportion_core::time::Span;

/// `count` equal requests that arrived together.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) leaf: usize,
    pub(super) priority: usize,
    pub(super) permits: i128,
    pub(super) count: u32,
    pub(super) arrived: i128,
    pub(super) deadline: Option<i128>,
    /// The demand that it is part of.
    pub(super) demand: usize,
    /// Part of a backlog: another one takes its place.
    pub(super) backlog: bool,
    /// A worker asks again so long after its grant.
    pub(super) think: Option<i128>,
}

/// Something about a request that is due later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Later {
    pub(super) at: i128,
    pub(super) tick: u64,
    pub(super) request: usize,
}

impl Oracle<'_> {
    pub(super) fn later(&mut self, at: i128, request: usize) -> Later {
        self.tick += 1;
        Later { at, tick: self.tick, request }
    }

    /// The largest request that a leaf can ever be granted.
    pub(super) fn largest_request(&self, leaf: usize) -> i128 {
        let most = self.lease_max.min(self.budget.max(self.next_budget));
        self.tree.caps(leaf).fold(most, i128::min)
    }

    pub(super) fn head(&self, leaf: usize, c: usize) -> Option<i128> {
        self.tree.nodes[leaf].queue[c].front().map(|&head| self.requests[head].permits)
    }

    /// The least head that waits below a node: one that a cap further down stops does not count.
    pub(super) fn least_head(&self, v: usize, c: usize) -> Option<i128> {
        if self.tree.children[v].is_empty() {
            return self.head(v, c);
        }
        self.tree.waiting(v, c).filter_map(|child| self.least_head(child, c)).min()
    }

    /// Whether the least head below a node fits under its own cap.
    pub(super) fn cap_lets_in(&self, v: usize, c: usize) -> bool {
        let room = self.tree.nodes[v].own_room();
        self.least_head(v, c).is_some_and(|least| room.is_none_or(|room| least <= room))
    }

    /// Recomputes whether a leaf waits; heads that can never be granted any more are refused.
    pub(super) fn refresh(&mut self, leaf: usize) {
        for c in 0..PRIORITIES {
            while self.head(leaf, c).is_some_and(|n| n > self.largest_request(leaf)) {
                let head = self.tree.nodes[leaf].queue[c][0];
                self.reject(head, Verdict::Invalid, None);
                self.remove_one(head);
            }
            self.update_wait(leaf, c);
        }
    }

    /// Up the path: a node waits if something below does and its own cap lets the least head in.
    fn update_wait(&mut self, leaf: usize, c: usize) {
        for v in self.tree.path[leaf].clone() {
            let below = self.tree.children[v].is_empty() || self.tree.waiting(v, c).next().is_some();
            let waits = below && self.cap_lets_in(v, c);
            if waits == self.tree.nodes[v].waits[c] {
                continue;
            }
            if waits {
                self.tree.sync(v, c); // a join does not move virtual time: the order of joins is irrelevant
            }
            self.tree.nodes[v].waits[c] = waits;
            if !waits {
                self.tree.settle(self.tree.parent[v], c);
            }
        }
    }

    /// Refreshes a leaf and all below its highest capped ancestor, whose room has changed too.
    pub(super) fn refresh_around(&mut self, leaf: usize) {
        let capped = self.tree.path[leaf].iter().rev().find(|&&v| self.tree.nodes[v].cap.is_some());
        for other in self.tree.leaves[*capped.unwrap_or(&leaf)].clone() {
            self.refresh(other);
        }
    }

    pub(super) fn refresh_all(&mut self) {
        for leaf in self.tree.leaves[ROOT].clone() {
            self.refresh(leaf);
        }
    }

    pub(super) fn push(&mut self, request: Request) -> usize {
        let Request { leaf, priority, count, .. } = request;
        self.tree.nodes[leaf].queued[priority] += request.permits * i128::from(count);
        let backs = self.tree.nodes[leaf].queue.each_ref().map(|queue| queue.back().copied());
        // Not into one that another request of the leaf came behind: both may be in one queue later.
        let last = backs[priority].filter(|_| backs[priority] == backs.into_iter().max().flatten());
        let same = |last: &Request| {
            last.backlog
                && request.backlog
                && (last.demand, last.arrived) == (request.demand, request.arrived)
        };
        if let Some(last) = last.filter(|&last| request.deadline.is_none() && same(&self.requests[last])) {
            self.requests[last].count += count;
            return last;
        }
        let place = self.requests.len();
        self.tree.nodes[leaf].queue[priority].push_back(place);
        if let Some(deadline) = request.deadline {
            let later = self.later(deadline, place);
            self.deadlines.insert(later);
        }
        self.requests.push(request);
        place
    }

    /// Takes one request of a batch out of its queue.
    pub(super) fn remove_one(&mut self, place: usize) {
        let request = &mut self.requests[place];
        request.count -= 1;
        let Request { leaf, priority, permits, count, .. } = *request;
        self.tree.nodes[leaf].queued[priority] -= permits;
        if count == 0 {
            self.tree.nodes[leaf].queue[priority].retain(|&other| other != place);
        }
    }

    pub(super) fn withdraw(&mut self, place: usize) {
        while self.requests[place].count > 0 {
            self.remove_one(place);
        }
    }

    pub(super) fn reject(&mut self, place: usize, reason: Verdict, retry: Option<i128>) {
        let Request { leaf, priority, permits: n, demand, .. } = self.requests[place];
        self.tree.nodes[leaf].short[priority] |= reason != Verdict::Invalid;
        let asked = &self.scenario.demand[demand];
        let detail = match reason {
            Verdict::Invalid if self.tree.caps(leaf).any(|cap| cap == 0) => Reason::TeamPaused,
            Verdict::Invalid => Reason::TooLarge,
            Verdict::Deadline => Reason::DeadlineTooShort,
            Verdict::Expired => Reason::WindowExhausted,
        };
        let retry_after: Option<Span> = retry.map(|at| self.span_to(at));
        self.log.push(Record::Reject {
            at: self.instant(),
            team: asked.team.clone(),
            caller: asked.caller.clone(),
            priority: Priority::ALL[priority],
            permits: permits(n),
            reason,
            detail,
            retry_after,
            tag: asked.tag.clone(),
        });
    }

    /// Of the requests that just arrived and were not granted: refuses those whose deadline cannot be met.
    pub(super) fn refuse(&mut self) -> bool {
        let mut refused = false;
        for place in std::mem::take(&mut self.fresh) {
            let Request { leaf, count, deadline: Some(deadline), .. } = self.requests[place] else {
                continue;
            };
            let earliest = if count > 0 { self.earliest(place) } else { self.now };
            if earliest > deadline {
                self.reject(place, Verdict::Deadline, Some(earliest));
                self.remove_one(place);
                self.refresh(leaf);
                refused = true;
            }
        }
        refused
    }

    /// Refuses what has waited its time out.
    pub(super) fn expire(&mut self) -> bool {
        let mut done = Vec::new();
        while let Some(later) = self.deadlines.first().copied().filter(|later| later.at <= self.now) {
            self.deadlines.remove(&later);
            while self.requests[later.request].count > 0 {
                self.reject(later.request, Verdict::Expired, Some(self.next_opening()));
                self.remove_one(later.request);
                done.push(self.requests[later.request].leaf);
            }
        }
        for &leaf in &done {
            self.refresh(leaf);
        }
        !done.is_empty()
    }

    /// A lower bound of when a request can be granted: ignores competitors, respects what is ahead in its FIFO.
    fn earliest(&self, place: usize) -> i128 {
        let Request { leaf, priority: c, permits: n, .. } = self.requests[place];
        let before = self.tree.nodes[leaf].queue[c].iter().take_while(|&&other| other != place);
        let ahead: i128 =
            before.map(|&k| self.requests[k].permits * i128::from(self.requests[k].count)).sum();
        let usable = self.tree.room(leaf).map_or(self.left, |room| room.min(self.left)).max(0);
        let usable = if self.open() { usable } else { 0 };
        if ahead + n <= usable {
            return self.let_go(leaf, c, ahead + n);
        }
        if !self.open() && self.is_served(c) && ahead + n <= self.room_at_the_edge(leaf) {
            return self.now; // an edge permit: what is kept of the next window may go any moment
        }
        let per_window = self.tree.caps(leaf).fold(self.next_budget, i128::min).max(1);
        let windows = ((ahead - usable).max(0) + n - 1).div_euclid(per_window);
        self.next_opening() + windows * self.length
    }

    /// When what is surely held back lets `need` permits go in this window.
    fn let_go(&self, leaf: usize, c: usize, need: i128) -> i128 {
        if self.tree.path[leaf].iter().any(|&v| self.owed(v)) {
            return self.now;
        }
        let mut at = self.now;
        while need + self.surely_held(c, at) > self.left {
            match self.next_step(at) {
                Some(step) => at = step,
                None => return self.last_call(),
            }
        }
        at
    }

    pub(super) fn waited(&self, place: usize) -> Span {
        Span::from_ns(unsigned(self.now - self.requests[place].arrived))
    }

    pub(super) fn deadline(&self, demand: usize) -> Option<i128> {
        let wait = self.scenario.demand[demand].max_wait?;
        Some(self.now + i128::from(wait.as_ns()))
    }

    /// The node of a team.
    pub(super) fn place(&self, id: &apportion_core::ids::TeamId) -> usize {
        1 + self.policy.teams.iter().position(|team| &team.id == id).expect("the team exists")
    }

    /// Whether somebody's request came while there was time to serve it.
    pub(super) fn came_in_time(&self, leaf: usize, c: usize) -> bool {
        let last_call = self.last_call();
        self.tree.nodes[leaf].queue[c].iter().any(|&k| self.requests[k].arrived <= last_call)
    }
}
