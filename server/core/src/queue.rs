//! Waiting requests: one FIFO for each caller and priority, and the order of their deadlines.
//!
//! It knows neither tags nor windows. Taking a request out of the middle of a FIFO costs as much as taking its head.

use crate::ids::{CallerId, RequestId};
use crate::permits::Permits;
use crate::priority::{PerPriority, Priority, PriorityRule};
use crate::request::{Content, Ticket};
use crate::share::lane::{Head, Standing};
use crate::share::tree::NodeIx;
use crate::slab::{Slab, Slot};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// A waiting request.
#[derive(Clone, Debug)]
pub(crate) struct QueuedRequest {
    pub(crate) caller: Slot,
    /// Requested priority; `None` uses the team's default.
    asked: Option<Priority>,
    /// The one at which it is served.
    pub(crate) priority: Priority,
    pub(crate) permits: Permits,
    pub(crate) min_permits: Permits,
    pub(crate) arrived: Timestamp,
    pub(crate) deadline: Timestamp,
    pub(crate) request_id: Option<RequestId>,
    /// Permits that had entered its FIFO when it came, and those that had left it: what is ahead is the difference.
    entered: u64,
    serial: u64,
    before: Slot,
    behind: Slot,
}

impl QueuedRequest {
    /// What a repeat of it must have in common with it.
    pub(crate) fn content(&self) -> Content {
        (self.permits, self.min_permits, self.asked)
    }
}

/// What waits at a caller in one priority, the oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fifo {
    first: Slot,
    last: Slot,
    /// Permits that wait here.
    pub(crate) queued: u64,
    /// Requests that wait here.
    pub(crate) requests: u32,
    /// Permits that have left.
    departed: u64,
}

impl Default for Fifo {
    fn default() -> Self {
        Self { first: Slot::NONE, last: Slot::NONE, queued: 0, requests: 0, departed: 0 }
    }
}

/// A service or instance inside a team.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) team: NodeIx,
    pub(crate) id: CallerId,
    pub(crate) standing: PerPriority<Standing>,
    pub(crate) fifo: PerPriority<Fifo>,
    /// The number of its last grant.
    pub(crate) last_grant: u64,
    /// The number of the primary limit's window in which it was last active.
    pub(crate) last_window: u64,
}

impl Caller {
    pub(crate) fn new(team: NodeIx, id: CallerId) -> Self {
        Self {
            team,
            id,
            standing: PerPriority::default(),
            fifo: PerPriority::default(),
            last_grant: 0,
            last_window: 0,
        }
    }

    /// Waiting requests, all priorities.
    pub(crate) fn requests(&self) -> u32 {
        self.fifo.0.iter().map(|fifo| fifo.requests).sum()
    }

    /// Whether it has neither a waiting request nor an open lease, nor had one in the last of so many windows.
    pub(crate) fn is_idle(&self, windows: u64) -> bool {
        self.requests() == 0 && self.last_window + 1 < windows
    }

    /// How its head looks to a lane.
    pub(crate) fn head(&self, slot: Slot, c: Priority) -> Head {
        Head { tag: self.standing[c].tag, last_grant: self.last_grant, caller: slot }
    }
}

/// All waiting requests of a workspace and their callers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    requests: Slab<QueuedRequest>,
    pub(crate) callers: Slab<Caller>,
    /// By deadline, then by arrival.
    deadlines: BTreeSet<(Timestamp, u64, Slot)>,
    /// Permits that wait, whole queues.
    pub(crate) queued: u64,
}

impl std::ops::Index<Slot> for Queue {
    type Output = QueuedRequest;
    fn index(&self, request: Slot) -> &QueuedRequest {
        &self.requests[request]
    }
}

/// A request that arrives.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) caller: Slot,
    pub(crate) asked: Option<Priority>,
    pub(crate) priority: Priority,
    pub(crate) permits: Permits,
    pub(crate) min_permits: Permits,
    pub(crate) arrived: Timestamp,
    pub(crate) deadline: Timestamp,
    pub(crate) request_id: Option<RequestId>,
}

impl Queue {
    /// One in which nothing waits.
    pub(crate) const EMPTY: Self =
        Self { requests: Slab::EMPTY, callers: Slab::EMPTY, deadlines: BTreeSet::new(), queued: 0 };

    /// How many requests wait.
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Appends a request to the FIFO of its caller and priority. No other one may have had this `serial`.
    pub(crate) fn push(&mut self, arrival: Arrival, serial: u64) -> Slot {
        let Arrival { caller, asked, priority, permits, min_permits, arrived, deadline, request_id } =
            arrival;
        let slot = self.requests.insert(QueuedRequest {
            caller,
            asked,
            priority,
            permits,
            min_permits,
            arrived,
            deadline,
            request_id,
            entered: 0,
            serial,
            before: Slot::NONE,
            behind: Slot::NONE,
        });
        self.append(slot);
        self.queued += u64::from(min_permits);
        slot
    }

    /// Puts a request at the end of the FIFO of its caller and priority.
    fn append(&mut self, slot: Slot) {
        let request = &mut self.requests[slot];
        let (size, fifo) =
            (u64::from(request.min_permits), &mut self.callers[request.caller].fifo[request.priority]);
        request.entered = fifo.queued + fifo.departed;
        (request.before, request.behind) = (fifo.last, Slot::NONE);
        fifo.queued += size;
        fifo.requests += 1;
        let last = std::mem::replace(&mut fifo.last, slot);
        if last.is_none() {
            fifo.first = slot;
        } else {
            self.requests[last].behind = slot;
        }
    }

    /// What waits at a caller in one priority, the oldest first.
    fn fifo(&self, caller: Slot, c: Priority) -> impl Iterator<Item = Slot> {
        let behind = |&slot: &Slot| Some(self.requests[slot].behind).filter(|behind| !behind.is_none());
        std::iter::successors(self.first(caller, c), behind)
    }

    /// Gives each request of a caller the priority that a rule makes of what it asked for, and keeps every FIFO in order of
    /// arrival. Returns those that moved, and their priorities before.
    pub(crate) fn reprioritize(&mut self, caller: Slot, rule: PriorityRule) -> Vec<(Slot, Priority)> {
        let mut all: Vec<Slot> = Priority::ALL.into_iter().flat_map(|c| self.fifo(caller, c)).collect();
        let mut moved = Vec::new();
        for &slot in &all {
            let request = &mut self.requests[slot];
            let before = std::mem::replace(&mut request.priority, rule.served(request.asked));
            if before != request.priority {
                moved.push((slot, before));
            }
        }
        if !moved.is_empty() {
            all.sort_unstable_by_key(|&slot| self.requests[slot].serial);
            for fifo in &mut self.callers[caller].fifo.0 {
                *fifo = Fifo { departed: fifo.departed, ..Fifo::default() };
            }
            all.into_iter().for_each(|slot| self.append(slot));
        }
        moved
    }

    /// Takes a request out of its FIFO.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<QueuedRequest> {
        let request = self.requests.remove(slot)?;
        self.deadlines.remove(&(request.deadline, request.serial, slot));
        if !request.before.is_none() {
            self.requests[request.before].behind = request.behind;
        }
        if !request.behind.is_none() {
            self.requests[request.behind].before = request.before;
        }
        let fifo = &mut self.callers[request.caller].fifo[request.priority];
        if fifo.first == slot {
            fifo.first = request.behind;
        }
        if fifo.last == slot {
            fifo.last = request.before;
        }
        fifo.queued -= u64::from(request.min_permits);
        fifo.departed += u64::from(request.min_permits);
        fifo.requests -= 1;
        self.queued -= u64::from(request.min_permits);
        Some(request)
    }

    /// The oldest request of a caller and priority.
    pub(crate) fn first(&self, caller: Slot, c: Priority) -> Option<Slot> {
        let first = self.callers[caller].fifo[c].first;
        (!first.is_none()).then_some(first)
    }

    /// Permits ahead of a request in its own FIFO. Exact while nothing behind it has left, too few afterwards.
    pub(crate) fn ahead(&self, slot: Slot) -> u64 {
        let request = &self.requests[slot];
        request.entered.saturating_sub(self.callers[request.caller].fifo[request.priority].departed)
    }

    /// Starts to watch the deadline of a request.
    pub(crate) fn watch_deadline(&mut self, slot: Slot) {
        if let Some(request) = self.requests.find(slot).filter(|request| request.deadline < Timestamp::MAX) {
            self.deadlines.insert((request.deadline, request.serial, slot));
        }
    }

    /// The nearest deadline, and its request.
    pub(crate) fn next_deadline(&self) -> Option<(Timestamp, Slot)> {
        self.deadlines.first().map(|&(deadline, _, slot)| (deadline, slot))
    }

    /// The ticket of a waiting request.
    pub(crate) fn ticket(&self, slot: Slot) -> Ticket {
        Ticket(self.requests[slot].serial << 32 | u64::from(slot.number()))
    }

    /// The waiting request with this ticket.
    pub(crate) fn find(&self, ticket: Ticket) -> Option<Slot> {
        let slot = Slot::from_number(u32::try_from(ticket.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX));
        let request = self.requests.find(slot)?;
        (request.serial << 32 == ticket.0 >> 32 << 32).then_some(slot)
    }
}
