//! Who competes for permits: the tree of teams, whose turn it is in it, and the requests that wait.
//!
//! Its verbs keep these in step with each other, and with what the windows hold back for each team: a node waits in its group
//! while a head below it fits under its cap, and a hold shrinks as requests arrive. Knows nothing of leases, and not how much may be
//! granted.

pub(crate) mod backlog;
mod names;
mod rebuild;
mod removed;
mod roll;
mod serve;

use self::backlog::Backlog;
use self::names::Names;
use self::removed::Removed;
use crate::ids::{CallerId, TeamId};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::queue::{Arrival, Queue, QueuedRequest};
use crate::replies::Replies;
use crate::request::{Reason, Refusal};
use crate::share::lane::Lane;
use crate::share::tree::{NodeIx, Tree};
use crate::share::turns::Turns;
use crate::slab::Slot;
use crate::time::Timestamp;
use crate::windows::Windows;

pub(crate) use self::rebuild::Rebuild;
pub(crate) use self::serve::{Grant, Returned, ServedRequest};

/// Who competes in a workspace.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    tree: Tree,
    turns: Turns,
    names: Names,
    backlog: Backlog,
    /// A request that came while nothing waited. It is in its FIFO, but neither in a lane nor in the tree: if the next decision
    /// grants it at once, nothing competed.
    uncontended: Option<Slot>,
    /// Grants so far.
    grants: u64,
    /// What all teams reserve together.
    reserved: u64,
    has_protected: bool,
    removed: Option<Box<Removed>>,
}

impl Contest {
    /// A workspace without teams.
    pub(crate) fn new() -> Self {
        Self {
            tree: Tree::new(),
            turns: Turns::default(),
            names: Names::default(),
            backlog: Backlog::default(),
            uncontended: None,
            grants: 0,
            reserved: 0,
            has_protected: false,
            removed: None,
        }
    }

    /// The teams.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whose turn it is.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// The requests that wait.
    pub(crate) fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    /// The same without the lanes.
    pub(crate) fn queue(&self) -> &Queue {
        self.backlog.queue()
    }

    /// The lane of a team, if it has callers.
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

    /// Whether a reservation is held back while its team does not ask.
    pub(crate) fn has_protected(&self) -> bool {
        self.has_protected
    }

    /// How many requests wait for permits.
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

    /// A caller, which is remembered from now on.
    pub(crate) fn caller(&mut self, team: NodeIx, id: &CallerId, window: u64) -> Slot {
        let known = self.backlog.find_caller(team, id);
        let caller = known.unwrap_or_else(|| self.backlog.add_caller(team, id));
        self.backlog.mark_active(caller, window);
        caller
    }

    /// The holder of a lease is active in the window of this number.
    pub(crate) fn mark_active(&mut self, caller: Slot, window: u64) {
        self.backlog.mark_active(caller, window);
    }

    /// From now on the deadline of a request counts.
    pub(crate) fn watch_deadline(&mut self, slot: Slot) {
        self.backlog.watch_deadline(slot);
    }

    /// A request arrives.
    pub(crate) fn submit(&mut self, arrival: Arrival, windows: &mut Windows) -> Slot {
        let slot = self.backlog.push(arrival);
        if self.competing() == 1 {
            self.uncontended = Some(slot);
        } else {
            self.enter(slot, windows);
        }
        slot
    }

    /// Takes the request beside which nothing waits, if there is one: it is to be served, or to enter.
    pub(crate) fn take_uncontended(&mut self) -> Option<Slot> {
        self.uncontended.take()
    }

    /// A request begins to compete: in the lane of its team, and in the tree.
    pub(crate) fn enter(&mut self, slot: Slot, windows: &mut Windows) {
        let (team, c) = (self.backlog.team_of(slot), self.queue()[slot].priority);
        if self.backlog.enter(slot, windows.primary().closes()) {
            self.update_waits(team, c);
        }
        self.refresh_holds(team, c, windows);
    }

    /// A request is withdrawn.
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
            removed.step(now, most, (&mut self.backlog, replies), |v| self.tree.free(v));
        }
    }

    fn take_out(
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
    fn unqueue(&mut self, slot: Slot, windows: &mut Windows, replies: &mut Replies) -> Option<QueuedRequest> {
        let team = self.backlog.team_of(slot);
        let request = self.backlog.take(slot, windows.primary().closes())?;
        replies.forget(&request);
        self.refresh_holds(team, request.priority, windows);
        Some(request)
    }

    /// Something changed at a team: its heads that can never be granted any more are refused, and it waits where others are left.
    fn review(&mut self, team: NodeIx, windows: &mut Windows, replies: &mut Replies) {
        self.refuse_impossible(team, windows, replies);
        self.update_all_waits(team);
    }

    fn update_all_waits(&mut self, team: NodeIx) {
        Priority::ALL.into_iter().for_each(|c| self.update_waits(team, c));
    }

    fn refuse_impossible(&mut self, team: NodeIx, windows: &mut Windows, replies: &mut Replies) {
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
                let waiting = children.iter().filter(|&&child| self.turns.account(child, c).waits);
                waiting.filter_map(|&child| self.least_head(child, c)).min()
            }
        }
    }

    /// Up the path of a team: a node waits if something below it does, and a capped one only while its cap has room for
    /// the least of that. So a cap is no claim that grows.
    fn update_waits(&mut self, team: NodeIx, c: Priority) {
        let mut v = team;
        while v != NodeIx::ROOT {
            let least = self.least_head_to_watch(v, c);
            let waits = least.is_some_and(|least| least <= self.tree.own_room(v));
            if waits != self.turns.account(v, c).waits {
                self.turns.set_waiting(v, c, waits, &self.tree);
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

    /// The queue of a team changed: what is held back for it follows.
    fn refresh_holds(&self, team: NodeIx, c: Priority, windows: &mut Windows) {
        windows.refresh(team, c, self.backlog.queued(team, c));
    }

    /// Another process was granted so much of the window in force.
    pub(crate) fn set_granted_elsewhere(&mut self, granted: Permits) {
        self.tree.granted_elsewhere = granted;
    }
}
