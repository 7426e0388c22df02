//! Which nodes wait: a request leaves its lane, and its team and every node above it wait, or wait no longer.

use super::state::Contest;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::queue::QueuedRequest;
use crate::replies::Replies;
use crate::request::{Reason, Refusal};
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::windows::Windows;

impl Contest {
    /// Takes out a request that competes.
    pub(super) fn take_out(
        &mut self,
        slot: Slot,
        windows: &mut Windows,
        replies: &mut Replies,
    ) -> Option<QueuedRequest> {
        let team = self.backlog.team_of(slot);
        let request = self.unqueue(slot, windows, replies)?;
        self.review(team, windows, replies);
        Some(request)
    }

    /// Takes a request out of its FIFO. [`Contest::review`] must follow.
    pub(super) fn unqueue(
        &mut self,
        slot: Slot,
        windows: &mut Windows,
        replies: &mut Replies,
    ) -> Option<QueuedRequest> {
        let team = self.backlog.team_of(slot);
        let request = self.backlog.take(slot, windows.primary().closes())?;
        replies.forget(&request);
        self.refresh_holds(team, request.priority, windows);
        Some(request)
    }

    /// Re-evaluates a team after a change: heads that can never be granted any more are refused, and the team waits where heads are left.
    pub(super) fn review(&mut self, team: NodeIx, windows: &mut Windows, replies: &mut Replies) {
        self.refuse_impossible(team, windows, replies);
        self.update_all_waits(team);
    }

    pub(super) fn update_all_waits(&mut self, team: NodeIx) {
        Priority::ALL.into_iter().for_each(|c| self.update_waits(team, c));
    }

    pub(super) fn refuse_impossible(&mut self, team: NodeIx, windows: &mut Windows, replies: &mut Replies) {
        let largest = self.largest_possible(team, windows);
        let reason = if largest.is_zero() { Reason::TeamPaused } else { Reason::TooLarge };
        for c in Priority::ALL {
            while let Some(slot) = self.backlog.head_larger_than(team, c, largest) {
                let ticket = self.queue().ticket(slot);
                self.unqueue(slot, windows, replies);
                replies.refuse(ticket, Refusal { reason, retry_at: None, limit: None });
            }
        }
    }

    /// The largest request that a team can ever be granted.
    pub(crate) fn largest_possible(&self, team: NodeIx, windows: &Windows) -> Permits {
        windows.largest_possible().min(self.tree.least_cap(team))
    }

    /// The smallest head that waits below a node.
    pub(crate) fn least_head(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        match self.tree.children(v) {
            [] => self.lane(v, c)?.least(),
            children => {
                let waiting = children.iter().filter(|&&child| self.turns.tag(child, c).waits);
                waiting.filter_map(|&child| self.least_head(child, c)).min()
            }
        }
    }

    /// Up the path of a team: a node waits if something below it does, and a capped one only while its cap has room for
    /// the least of that. So a cap is no claim that grows.
    pub(super) fn update_waits(&mut self, team: NodeIx, c: Priority) {
        let mut v = team;
        while v != NodeIx::ROOT {
            let least = self.least_head_to_watch(v, c);
            let waits = least.is_some_and(|least| least <= self.tree.own_room(v));
            match (self.turns.tag(v, c).waits, waits) {
                (false, true) => self.turns.join(v, c, &self.tree),
                (true, false) => self.turns.leave(v, c, &self.tree),
                _ => {}
            }
            v = self.tree.parent(v);
        }
    }

    /// As [`Contest::least_head`]; for an uncapped node any head will do, and is found faster.
    fn least_head_to_watch(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        let node = &self.tree[v];
        if node.cap.is_none() && !node.is_leaf() {
            return self.turns.is_contested(v, c).then_some(Permits::ZERO);
        }
        self.least_head(v, c)
    }

    /// Updates what is held back for a team after its queue changed.
    pub(super) fn refresh_holds(&self, team: NodeIx, c: Priority, windows: &mut Windows) {
        windows.refresh(team, c, self.backlog.queued(team, c));
    }
}
