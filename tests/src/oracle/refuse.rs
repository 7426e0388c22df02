//! Refusals: what can never be granted, what cannot be granted by its deadline, and what reached its deadline.

use apportion_core::priority::Priority;
use apportion_core::request::Reason;
use apportion_core::scenario::{Record, Verdict};
use apportion_core::time::Span;

use super::request::Request;
use super::state::{Oracle, permits};

impl Oracle<'_> {
    pub(super) fn reject(&mut self, place: usize, reason: Verdict, retry_at: Option<i128>) {
        let Request { leaf, priority, permits: n, demand, .. } = self.requests[place];
        self.tree.nodes[leaf].short[priority] |= reason != Verdict::Invalid;
        let asked = &self.scenario.demand[demand];
        let detail = match reason {
            Verdict::Invalid if self.tree.caps(leaf).any(|cap| cap == 0) => Reason::TeamPaused,
            Verdict::Invalid => Reason::TooLarge,
            Verdict::Deadline => Reason::DeadlineTooShort,
            Verdict::Expired => Reason::WindowExhausted,
        };
        let retry_after: Option<Span> = retry_at.map(|at| self.span_to(at));
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

    /// Refuses the requests that just arrived, were not granted and cannot be granted by their deadline; whether there were any.
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

    /// Refuses the requests whose deadline has come; whether there were any.
    pub(super) fn expire(&mut self) -> bool {
        let mut done = Vec::new();
        while let Some(due) = self.deadlines.first().copied().filter(|due| due.at <= self.now) {
            self.deadlines.remove(&due);
            while self.requests[due.request].count > 0 {
                self.reject(due.request, Verdict::Expired, Some(self.next_opening()));
                self.remove_one(due.request);
                done.push(self.requests[due.request].leaf);
            }
        }
        for &leaf in &done {
            self.refresh(leaf);
        }
        !done.is_empty()
    }

    /// A lower bound of when a request can be granted: ignores competitors, counts what is ahead in its queue.
    fn earliest(&self, place: usize) -> i128 {
        let Request { leaf, priority: c, permits: n, .. } = self.requests[place];
        let before = self.tree.nodes[leaf].queue[c].iter().take_while(|&&other| other != place);
        let ahead: i128 =
            before.map(|&k| self.requests[k].permits * i128::from(self.requests[k].count)).sum();
        let usable = self.tree.room(leaf).map_or(self.left, |room| room.min(self.left)).max(0);
        let usable = if self.is_open() { usable } else { 0 };
        if ahead + n <= usable {
            return self.released_at(leaf, c, ahead + n);
        }
        if !self.is_open() && self.is_served(c) && ahead + n <= self.room_at_the_edge(leaf) {
            return self.now; // an edge permit: what the next window keeps may be released at any moment
        }
        let per_window = self.tree.caps(leaf).fold(self.next_budget, i128::min).max(1);
        let windows = ((ahead - usable).max(0) + n - 1).div_euclid(per_window);
        self.next_opening() + windows * self.length
    }

    /// When enough of what is surely held back is released for `need` permits in this window.
    fn released_at(&self, leaf: usize, c: usize, need: i128) -> i128 {
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
}
