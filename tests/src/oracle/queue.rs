//! Requests while they wait: queues of batches, and which nodes have something to grant.

use apportion_core::ids::TeamId;
use apportion_core::scenario::Verdict;
use apportion_core::time::Span;

use super::request::{Due, Request};
use super::state::{Oracle, unsigned};
use super::tree::{PRIORITIES, ROOT};

impl Oracle<'_> {
    pub(super) fn due_at(&mut self, at: i128, request: usize) -> Due {
        self.tick += 1;
        Due { at, tick: self.tick, request }
    }

    /// The largest request that a leaf can ever be granted.
    pub(super) fn largest_request(&self, leaf: usize) -> i128 {
        let most = self.lease_max.min(self.budget.max(self.next_budget));
        self.tree.caps(leaf).fold(most, i128::min)
    }

    pub(super) fn head(&self, leaf: usize, c: usize) -> Option<i128> {
        self.tree.nodes[leaf].queue[c].front().map(|&head| self.requests[head].permits)
    }

    /// The smallest head below a node; heads that a cap further down stops do not count.
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

    /// Recomputes whether a leaf waits, and refuses heads that can never be granted.
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
                self.tree.catch_up(v, c); // a join does not move virtual time: the order of joins is irrelevant
            }
            self.tree.nodes[v].waits[c] = waits;
            if !waits {
                self.tree.update_time(self.tree.parent[v], c);
            }
        }
    }

    /// Refreshes a leaf, and all leaves below its highest ancestor with a cap, whose room has changed too.
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
        // Not into a batch that another request of the leaf was queued behind: both may be in one queue later.
        let last = backs[priority].filter(|_| backs[priority] == backs.into_iter().max().flatten());
        let same = |last: &Request| {
            last.is_backlog
                && request.is_backlog
                && (last.demand, last.arrived) == (request.demand, request.arrived)
        };
        if let Some(last) = last.filter(|&last| request.deadline.is_none() && same(&self.requests[last])) {
            self.requests[last].count += count;
            return last;
        }
        let place = self.requests.len();
        self.tree.nodes[leaf].queue[priority].push_back(place);
        if let Some(deadline) = request.deadline {
            let due = self.due_at(deadline, place);
            self.deadlines.insert(due);
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

    pub(super) fn waited(&self, place: usize) -> Span {
        Span::from_ns(unsigned(self.now - self.requests[place].arrived))
    }

    pub(super) fn deadline(&self, demand: usize) -> Option<i128> {
        let wait = self.scenario.demand[demand].max_wait?;
        Some(self.now + i128::from(wait.as_ns()))
    }

    /// The node of a team.
    pub(super) fn place(&self, id: &TeamId) -> usize {
        1 + self.policy.teams.iter().position(|team| &team.id == id).expect("the team exists")
    }

    /// Whether a waiting request arrived while it could still be served in this window.
    pub(super) fn has_arrived_in_time(&self, leaf: usize, c: usize) -> bool {
        let last_call = self.last_call();
        self.tree.nodes[leaf].queue[c].iter().any(|&k| self.requests[k].arrived <= last_call)
    }
}
