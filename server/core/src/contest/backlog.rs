//! The waiting requests of all teams: their FIFOs, and the heads of those in the lanes of their teams.
//!
//! It keeps the two in step: whatever is put into or taken out of a FIFO, its lane counts it and shows the head. Knows no tree.

use crate::boxed::Empty;
use crate::ids::CallerId;
use crate::permits::Permits;
use crate::priority::{PerPriority, Priority, PriorityRule};
use crate::queue::{Arrival, Caller, Queue, QueuedRequest};
use crate::share::lane::Lane;
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The callers of one team, and their lanes.
#[derive(Clone, Debug, Default)]
pub(crate) struct TeamBacklog {
    pub(crate) lanes: PerPriority<Lane>,
    pub(crate) callers: BTreeMap<CallerId, Slot>,
}

impl TeamBacklog {
    /// How many requests wait there.
    pub(crate) fn requests(&self) -> u32 {
        self.lanes.0.iter().map(|lane| lane.requests).sum()
    }
}

/// All that waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backlog {
    /// By node; nothing for a team without callers.
    teams: Vec<Option<Box<TeamBacklog>>>,
    queue: Queue,
}

impl Empty for Backlog {
    fn empty() -> &'static Self {
        static EMPTY: Backlog = Backlog { teams: Vec::new(), queue: Queue::EMPTY };
        &EMPTY
    }
}

/// A head that is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServedHead {
    pub(crate) slot: Slot,
    pub(crate) permits: Permits,
    /// The number of this grant.
    pub(crate) grant: u64,
    /// The budget of the window, which bounds what a caller may owe.
    pub(crate) budget: Permits,
    /// When the window closes.
    pub(crate) closes: Timestamp,
}

impl Backlog {
    /// The requests and callers.
    #[inline]
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Starts to watch the deadline of a request.
    pub(crate) fn watch_deadline(&mut self, slot: Slot) {
        self.queue.watch_deadline(slot);
    }

    /// The team of a waiting request.
    #[inline]
    pub(crate) fn team_of(&self, slot: Slot) -> NodeIx {
        self.queue.callers[self.queue[slot].caller].team
    }

    /// A team with callers.
    #[inline]
    pub(crate) fn team(&self, team: NodeIx) -> Option<&TeamBacklog> {
        self.teams.get(team.place())?.as_deref()
    }

    /// The teams that may have callers.
    pub(crate) fn teams(&self) -> impl Iterator<Item = NodeIx> + use<> {
        (0..self.teams.len()).map(NodeIx::new)
    }

    /// The lane of a team, if it has callers.
    #[inline]
    pub(crate) fn lane(&self, team: NodeIx, c: Priority) -> Option<&Lane> {
        self.team(team).map(|team| &team.lanes[c])
    }

    /// Permits that wait at a team in one priority.
    #[inline]
    pub(crate) fn queued(&self, team: NodeIx, c: Priority) -> u64 {
        self.lane(team, c).map_or(0, |lane| lane.queued)
    }

    /// Whether a request of a team that came before the close of the window waits.
    pub(crate) fn waits_since_before_close(&self, team: NodeIx, c: Priority) -> bool {
        self.lane(team, c).is_some_and(|lane| lane.requests > lane.late)
    }

    /// The largest head of a priority.
    pub(crate) fn largest_head(&self, c: Priority) -> Permits {
        let heads = self.teams.iter().flatten().filter_map(|team| team.lanes[c].largest());
        heads.max().unwrap_or(Permits::ZERO)
    }

    fn team_mut(&mut self, team: NodeIx) -> &mut TeamBacklog {
        if self.teams.len() <= team.place() {
            self.teams.resize(team.place() + 1, None);
        }
        self.teams[team.place()].get_or_insert_default()
    }

    fn lane_mut(&mut self, team: NodeIx, c: Priority) -> &mut Lane {
        &mut self.team_mut(team).lanes[c]
    }

    /// A caller of a team that is remembered.
    pub(crate) fn find_caller(&self, team: NodeIx, id: &CallerId) -> Option<Slot> {
        self.team(team)?.callers.get(id).copied()
    }

    /// Remembers a caller.
    pub(crate) fn add_caller(&mut self, team: NodeIx, id: &CallerId) -> Slot {
        let slot = self.queue.callers.insert(Caller::new(team, id.clone()));
        self.team_mut(team).callers.insert(id.clone(), slot);
        slot
    }

    /// A caller was active in the primary limit's window of that number.
    pub(crate) fn mark_active(&mut self, caller: Slot, window: u64) {
        self.queue.callers[caller].last_window = window;
    }

    /// Appends a request to the FIFO of its caller and priority. It joins its lane with [`Backlog::enter`].
    pub(crate) fn push(&mut self, arrival: Arrival, serial: u64) -> Slot {
        self.queue.push(arrival, serial)
    }

    /// A request takes its place in the lane of its team. Returns whether it is the head of its caller.
    pub(crate) fn enter(&mut self, slot: Slot, closes: Timestamp) -> bool {
        let QueuedRequest { caller, priority: c, min_permits, arrived, .. } = self.queue[slot];
        let team = self.team_of(slot);
        self.lane_mut(team, c).count_in(min_permits, arrived > closes);
        let is_head = self.queue.first(caller, c) == Some(slot);
        if is_head {
            self.join(caller, c);
        }
        is_head
    }

    /// Takes out a request that is in no lane, and counts its grant for its caller.
    pub(crate) fn serve_outside_lanes(&mut self, slot: Slot, grant: u64) -> Option<QueuedRequest> {
        let request = self.queue.remove(slot)?;
        self.queue.callers[request.caller].last_grant = grant;
        Some(request)
    }

    /// Takes a request out, from any position of its FIFO.
    pub(crate) fn take(&mut self, slot: Slot, closes: Timestamp) -> Option<QueuedRequest> {
        let (caller, c) = (self.queue[slot].caller, self.queue[slot].priority);
        let is_head = self.queue.first(caller, c) == Some(slot);
        if is_head {
            self.hide_head(caller, c);
        }
        let request = self.queue.remove(slot)?;
        let team = self.queue.callers[caller].team;
        self.lane_mut(team, c).count_out(request.min_permits, request.arrived > closes);
        if is_head {
            self.show_head(caller, c);
            self.end_busy_period(team, c);
        }
        Some(request)
    }

    /// Takes a granted head out and charges its caller in every contested lane of the team.
    pub(crate) fn serve(&mut self, serving: &ServedHead) -> Option<QueuedRequest> {
        let (caller, served) = (self.queue[serving.slot].caller, self.queue[serving.slot].priority);
        let team = self.queue.callers[caller].team;
        Priority::ALL.into_iter().for_each(|c| self.hide_head(caller, c));
        self.charge(caller, served, serving);
        let request = self.queue.remove(serving.slot)?;
        let is_late = request.arrived > serving.closes;
        self.lane_mut(team, served).count_out(request.min_permits, is_late);
        Priority::ALL.into_iter().for_each(|c| self.show_head(caller, c));
        self.end_busy_period(team, served);
        Some(request)
    }

    fn charge(&mut self, caller: Slot, served: Priority, serving: &ServedHead) {
        let entry = &mut self.queue.callers[caller];
        let Some(team) = self.teams.get_mut(entry.team.place()).and_then(Option::as_mut) else { return };
        team.lanes[served].serve(entry.standing[served].tag);
        for c in Priority::ALL {
            let lane = &team.lanes[c];
            if lane.requests == 0 {
                continue;
            }
            let standing = &mut entry.standing[c];
            if entry.fifo[c].requests == 0 {
                lane.join(standing);
            }
            let tag = standing.tag + u64::from(serving.permits);
            let most = lane.debt_limit(serving.budget);
            standing.tag = if c == served { tag } else { tag.min(most).max(standing.tag) };
        }
        entry.last_grant = serving.grant;
    }

    /// Permits of a caller came back: they no longer count in the contested lanes.
    pub(crate) fn refund(&mut self, caller: Slot, n: Permits) {
        let team = self.queue.callers[caller].team;
        for c in Priority::ALL {
            if self.lane(team, c).is_none_or(|lane| lane.requests == 0) {
                continue;
            }
            self.hide_head(caller, c);
            let standing = &mut self.queue.callers[caller].standing[c];
            standing.tag = standing.tag.saturating_sub(u64::from(n));
            self.show_head(caller, c);
        }
    }

    /// A caller has a head and had none before.
    fn join(&mut self, caller: Slot, c: Priority) {
        let team = self.queue.callers[caller].team;
        let Some(lane) = self.teams[team.place()].as_ref().map(|team| &team.lanes[c]) else { return };
        lane.join(&mut self.queue.callers[caller].standing[c]);
        self.show_head(caller, c);
    }

    /// Puts the head of a caller, if it has one, into its lane.
    fn show_head(&mut self, caller: Slot, c: Priority) {
        if let Some(first) = self.queue.first(caller, c) {
            let (size, entry) = (self.queue[first].min_permits, &self.queue.callers[caller]);
            let (team, head) = (entry.team, entry.head(caller, c));
            self.lane_mut(team, c).insert(size, head);
        }
    }

    /// Takes the head of a caller, if it has one, out of its lane.
    fn hide_head(&mut self, caller: Slot, c: Priority) {
        if let Some(first) = self.queue.first(caller, c) {
            let (size, entry) = (self.queue[first].min_permits, &self.queue.callers[caller]);
            let (team, head) = (entry.team, entry.head(caller, c));
            self.lane_mut(team, c).remove(size, &head);
        }
    }

    /// Ends the busy period of a lane that is empty.
    fn end_busy_period(&mut self, team: NodeIx, c: Priority) {
        if self.lane(team, c).is_some_and(Lane::is_empty) {
            self.lane_mut(team, c).end_busy_period();
        }
    }

    /// Some head of a team that is larger than `size`.
    pub(crate) fn head_larger_than(&self, team: NodeIx, c: Priority, size: Permits) -> Option<Slot> {
        let head = self.lane(team, c)?.larger_than(size)?;
        self.queue.first(head.caller, c)
    }

    /// Empties a lane. Returns the callers that waited in it, in the order in which they would be served; their requests must be
    /// taken out with [`Backlog::take_unlisted`].
    pub(crate) fn clear_lane(&mut self, team: NodeIx, c: Priority) -> Vec<Slot> {
        let lane = self.lane_mut(team, c);
        let heads = lane.heads();
        lane.clear();
        heads.iter().map(|head| head.caller).collect()
    }

    /// Takes out a request that no lane counts: that of a lane that was cleared, or of a team that was removed.
    pub(crate) fn take_unlisted(&mut self, slot: Slot) -> Option<QueuedRequest> {
        self.queue.remove(slot)
    }

    /// Applies a priority rule to all requests of a team.
    pub(crate) fn reprioritize(&mut self, team: NodeIx, rule: PriorityRule, closes: Timestamp) {
        let Some(entry) = self.team(team) else { return };
        let callers: Vec<Slot> = entry.callers.values().copied().collect();
        for caller in callers {
            self.reprioritize_caller(team, caller, rule, closes);
        }
        Priority::ALL.into_iter().for_each(|c| self.end_busy_period(team, c));
    }

    fn reprioritize_caller(&mut self, team: NodeIx, caller: Slot, rule: PriorityRule, closes: Timestamp) {
        let had_head = Priority::ALL.map(|c| self.queue.first(caller, c).is_some());
        Priority::ALL.into_iter().for_each(|c| self.hide_head(caller, c));
        for (slot, before) in self.queue.reprioritize(caller, rule) {
            let QueuedRequest { priority, min_permits, arrived, .. } = self.queue[slot];
            self.lane_mut(team, before).count_out(min_permits, arrived > closes);
            self.lane_mut(team, priority).count_in(min_permits, arrived > closes);
        }
        for (c, had_head) in Priority::ALL.into_iter().zip(had_head) {
            if had_head {
                self.show_head(caller, c);
            } else if self.queue.first(caller, c).is_some() {
                self.join(caller, c);
            }
        }
    }

    /// A window starts: no waiting request of a team came after its close.
    pub(crate) fn reset_late(&mut self, team: NodeIx) {
        Priority::ALL.into_iter().for_each(|c| self.lane_mut(team, c).late = 0);
    }

    /// Takes a team out with its callers. They and their requests stay in the queue.
    pub(crate) fn remove_team(&mut self, team: NodeIx) -> Option<Box<TeamBacklog>> {
        self.teams.get_mut(team.place()).and_then(Option::take)
    }

    /// Forgets a caller of a team that was removed.
    pub(crate) fn forget_caller_of_removed(&mut self, caller: Slot) {
        self.queue.callers.remove(caller);
    }

    /// Forgets callers, and teams that have none left.
    pub(crate) fn forget_callers(&mut self, callers: &BTreeSet<Slot>) {
        for &caller in callers {
            if let Some(entry) = self.queue.callers.remove(caller) {
                self.team_mut(entry.team).callers.remove(&entry.id);
            }
        }
        for team in &mut self.teams {
            team.take_if(|team| team.callers.is_empty());
        }
    }
}
