//! The parts of a contest, what can be read of them, and how requests enter and leave.

use super::backlog::Backlog;
use super::names::Names;
use super::removed::Removed;
use crate::boxed::Boxed;
use crate::ids::{CallerId, TeamId};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::queue::{Arrival, Queue};
use crate::replies::Replies;
use crate::request::Refusal;
use crate::share::lane::Lane;
use crate::share::tree::{NodeIx, Tree};
use crate::share::turns::Turns;
use crate::slab::Slot;
use crate::time::Timestamp;
use crate::windows::Windows;

/// The contest of one workspace.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(super) tree: Tree,
    pub(super) turns: Turns,
    pub(super) names: Names,
    pub(super) backlog: Boxed<Backlog>,
    /// A request that came while nothing waited. It is in its FIFO, but neither in a lane nor in the tree: if the next decision
    /// grants it at once, nothing competed.
    pub(super) uncontended: Option<Slot>,
    /// Requests so far.
    pub(super) requests: u64,
    /// Grants so far.
    pub(super) grants: u64,
    /// What all teams reserve together.
    pub(super) reserved: u64,
    pub(super) has_protected: bool,
    pub(super) removed: Option<Box<Removed>>,
}

impl Contest {
    /// A workspace without teams.
    pub(crate) fn new() -> Self {
        Self {
            tree: Tree::new(),
            turns: Turns::default(),
            names: Names::default(),
            backlog: Boxed::default(),
            uncontended: None,
            requests: 0,
            grants: 0,
            reserved: 0,
            has_protected: false,
            removed: None,
        }
    }

    /// The teams.
    #[inline]
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The tags.
    #[inline]
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// The requests that wait.
    #[inline]
    pub(crate) fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    /// The same without the lanes.
    #[inline]
    pub(crate) fn queue(&self) -> &Queue {
        self.backlog.queue()
    }

    /// The lane of a team, if it has callers.
    #[inline]
    pub(crate) fn lane(&self, team: NodeIx, c: Priority) -> Option<&Lane> {
        self.backlog.lane(team, c)
    }

    /// The node of a team.
    pub(crate) fn find_team(&self, id: &TeamId) -> Option<NodeIx> {
        self.names.get(id)
    }

    /// All teams and their nodes, in order of their names.
    pub(crate) fn teams(&self) -> impl Iterator<Item = (&TeamId, NodeIx)> {
        self.names.iter()
    }

    /// All nodes but the root, in order of their names.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeIx> {
        self.names.nodes()
    }

    /// What all teams reserve together.
    pub(crate) fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Whether any team has a protected reservation.
    pub(crate) fn has_protected(&self) -> bool {
        self.has_protected
    }

    /// How many requests wait for permits.
    #[inline]
    pub(crate) fn competing(&self) -> usize {
        self.queue().len() - self.removed.as_ref().map_or(0, |removed| removed.requests())
    }

    /// Whether the request waits at a team that was removed.
    pub(crate) fn is_removed(&self, slot: Slot) -> bool {
        self.tree[self.backlog.team_of(slot)].is_removed
    }

    /// When more requests of removed teams are to be refused.
    pub(crate) fn next_removal(&self) -> Option<Timestamp> {
        self.removed.as_ref()?.next_at()
    }

    /// Remembers a caller.
    pub(crate) fn add_caller(&mut self, team: NodeIx, id: &CallerId) -> Slot {
        self.backlog.add_caller(team, id)
    }

    /// A caller waits, or holds a lease, in the window of this number.
    pub(crate) fn mark_active(&mut self, caller: Slot, window: u64) {
        self.backlog.mark_active(caller, window);
    }

    /// Starts to watch the deadline of a request.
    pub(crate) fn watch_deadline(&mut self, slot: Slot) {
        self.backlog.watch_deadline(slot);
    }

    /// A request arrives.
    pub(crate) fn submit(&mut self, arrival: Arrival, windows: &mut Windows) -> Slot {
        self.requests += 1;
        let slot = self.backlog.push(arrival, self.requests);
        if self.competing() == 1 {
            self.uncontended = Some(slot);
        } else {
            self.enter(slot, windows);
        }
        slot
    }

    /// Takes the uncontended request, if there is one: it must be served or enter.
    pub(crate) fn take_uncontended(&mut self) -> Option<Slot> {
        self.uncontended.take()
    }

    /// Lets a request compete: in the lane of its team, and in the tree.
    pub(crate) fn enter(&mut self, slot: Slot, windows: &mut Windows) {
        let (team, c) = (self.backlog.team_of(slot), self.queue()[slot].priority);
        if self.backlog.enter(slot, windows.primary().closes()) {
            self.update_waits(team, c);
        }
        self.refresh_holds(team, c, windows);
    }

    /// Withdraws a request.
    pub(crate) fn leave(&mut self, slot: Slot, windows: &mut Windows, replies: &mut Replies) {
        match self.removed.as_mut().filter(|_| self.tree[self.backlog.team_of(slot)].is_removed) {
            Some(removed) => removed.take(slot, &mut self.backlog, replies),
            None => {
                self.take_out(slot, windows, replies);
            }
        }
    }

    /// Refuses a waiting request.
    pub(crate) fn refuse(
        &mut self,
        slot: Slot,
        refusal: Refusal,
        windows: &mut Windows,
        replies: &mut Replies,
    ) {
        let team = self.backlog.team_of(slot);
        if let Some(removed) = self.removed.as_mut().filter(|_| self.tree[team].is_removed) {
            return removed.refuse(slot, &mut self.backlog, replies);
        }
        let ticket = self.queue().ticket(slot);
        let Some(request) = self.take_out(slot, windows, replies) else { return };
        if !refusal.reason.is_final() {
            windows.cut_short(team, request.priority);
        }
        replies.refuse(ticket, refusal);
    }

    /// Refuses more requests of removed teams, `most` at once, if that is due.
    pub(crate) fn refuse_removed(&mut self, now: Timestamp, most: u32, replies: &mut Replies) {
        if let Some(removed) = &mut self.removed {
            removed.step(now, most, (&mut *self.backlog, replies), |v| self.tree.free(v));
        }
    }

    /// Another process was granted so much of the window in force.
    pub(crate) fn set_granted_elsewhere(&mut self, granted: Permits) {
        self.tree.granted_elsewhere = granted;
    }
}
