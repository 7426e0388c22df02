//! Who waits: heads in lanes, and nodes in their groups.

use super::Allocator;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::queue::Waiting;
use crate::request::{Answer, Outcome, Reason, Refusal};
use crate::share::tree::{NodeIx, Tree};
use crate::slab::Slot;
use std::collections::BTreeSet;

impl Allocator {
    /// A caller has a head now and had none before.
    pub(super) fn join(&mut self, caller: Slot, c: Priority) {
        let team = self.queue.callers[caller].team;
        let Some(lane) = self.teams[team].as_ref().map(|team| &team.lanes[c]) else { return };
        lane.join(&mut self.queue.callers[caller].standing[c]);
        self.show_head(caller, c);
    }

    /// Puts the head of a caller, if it has one, into its lane.
    pub(super) fn show_head(&mut self, caller: Slot, c: Priority) {
        if let Some(first) = self.queue.first(caller, c) {
            let size = self.queue[first].min_permits;
            let entry = &self.queue.callers[caller];
            let (team, head) = (entry.team, entry.head(caller, c));
            self.lane_mut(team, c).insert(size, head);
        }
    }

    /// Takes the head of a caller, if it has one, out of its lane.
    pub(super) fn hide_head(&mut self, caller: Slot, c: Priority) {
        if let Some(first) = self.queue.first(caller, c) {
            let size = self.queue[first].min_permits;
            let entry = &self.queue.callers[caller];
            let (team, head) = (entry.team, entry.head(caller, c));
            self.lane_mut(team, c).remove(size, &head);
        }
    }

    /// Takes a request out of its queue, wherever it stands there, and lets everybody know.
    pub(super) fn take_out(&mut self, slot: Slot) -> Option<Waiting> {
        if self.is_leaving(slot) {
            return self.take_out_leaving(slot);
        }
        let team = self.queue.callers[self.queue[slot].caller].team;
        let request = self.unqueue(slot)?;
        self.refuse_impossible(team);
        for c in Priority::ALL {
            self.update_waits(team, c);
        }
        Some(request)
    }

    /// Takes a request out of its queue. Whether its team still waits is for the caller to find out.
    fn unqueue(&mut self, slot: Slot) -> Option<Waiting> {
        let (caller, c) = (self.queue[slot].caller, self.queue[slot].priority);
        let is_head = self.queue.first(caller, c) == Some(slot);
        if is_head {
            self.hide_head(caller, c);
        }
        let request = self.queue.remove(slot)?;
        let (team, is_late) = (self.queue.callers[caller].team, self.is_late(&request));
        self.lane_mut(team, c).count_out(request.min_permits, is_late);
        if let Some(id) = &request.request_id {
            self.known.remove(&(caller, id.clone()));
        }
        if is_head {
            self.show_head(caller, c);
            if self.lane(team, c).is_some_and(|lane| lane.is_empty()) {
                self.lane_mut(team, c).rest();
            }
        }
        self.refresh_holds(team, c);
        Some(request)
    }

    /// Whether a request came after the window had closed.
    pub(super) fn is_late(&self, request: &Waiting) -> bool {
        request.arrived > self.limits[self.scheduler].closes()
    }

    /// Refuses a waiting request.
    pub(super) fn refuse(&mut self, slot: Slot, refusal: Refusal) {
        if self.is_leaving(slot) {
            return self.refuse_leaving(slot);
        }
        let ticket = self.queue.ticket(slot);
        let Some(request) = self.take_out(slot) else { return };
        if !refusal.reason.is_final() {
            let team = self.queue.callers[request.caller].team;
            for limit in &mut self.limits {
                limit.holdback.cut_short(team, request.priority);
            }
        }
        self.answers.push_back(Answer { ticket, outcome: Outcome::Refused(refusal) });
    }

    /// Refuses the heads of a team that can never be granted any more. Whether the team still waits is for the caller to
    /// find out, with [`Allocator::update_waits`].
    pub(super) fn refuse_impossible(&mut self, team: NodeIx) {
        let largest = self.largest_possible(team);
        for c in Priority::ALL {
            while let Some(head) = self.lane(team, c).and_then(|lane| lane.larger_than(largest)) {
                let Some(first) = self.queue.first(head.caller, c) else { break };
                let reason = if largest.is_zero() { Reason::TeamPaused } else { Reason::TooLarge };
                let ticket = self.queue.ticket(first);
                self.unqueue(first);
                let outcome = Outcome::Refused(Refusal { reason, retry_at: None, limit: None });
                self.answers.push_back(Answer { ticket, outcome });
            }
        }
    }

    /// The smallest head that waits below a node.
    pub(super) fn least_head(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        match self.tree.children(v) {
            [] => self.lane(v, c)?.least(),
            children => {
                let waiting = children.iter().filter(|&&child| self.tree.account(child, c).waits);
                waiting.filter_map(|&child| self.least_head(child, c)).min()
            }
        }
    }

    /// Up the path of a team: a node waits if something below it does, and a capped one only while its cap has room for
    /// the least of that. So a cap is no claim that grows.
    pub(super) fn update_waits(&mut self, team: NodeIx, c: Priority) {
        let mut v = team;
        while v != Tree::ROOT {
            let waits = match self.least_head_to_watch(v, c) {
                Some(least) => least <= self.tree.own_room(v),
                None => false,
            };
            if waits != self.tree.account(v, c).waits {
                self.tree.set_waiting(v, c, waits);
            }
            v = self.tree.parent(v);
        }
    }

    /// As [`Allocator::least_head`]; for an uncapped node any head will do, and is found faster.
    fn least_head_to_watch(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        let node = &self.tree[v];
        if node.cap.is_none() && !node.is_leaf() {
            return self.tree.is_contested(v, c).then_some(Permits::ZERO);
        }
        self.least_head(v, c)
    }

    /// The queue of a team changed: what is kept for it follows.
    pub(super) fn refresh_holds(&mut self, team: NodeIx, c: Priority) {
        let queued = self.queued(team, c);
        for limit in &mut self.limits {
            limit.refresh(team, c, queued);
        }
    }

    /// Forgets idle callers, and the request ids that are still remembered of them: their places may be taken by others.
    pub(super) fn forget_callers(&mut self, callers: &BTreeSet<Slot>) {
        if callers.is_empty() {
            return;
        }
        for &caller in callers {
            if let Some(entry) = self.queue.callers.remove(caller) {
                self.team_mut(entry.team).callers.remove(&entry.id);
            }
        }
        // To look at every id that is remembered is only worth it for many callers.
        if callers.len() > self.known.len() / 16 {
            self.known.retain(|(of, _), _| !callers.contains(of));
            return;
        }
        for &caller in callers {
            while let Some(key) = self.some_id_of(caller) {
                self.known.remove(&key);
            }
        }
    }
}
