//! One workspace of a node with the real allocator: who waits in it, and what was granted to whom.
//!
//! Knows no ledger.

use super::grants::Granted;
use apportion_core::allocator::Allocator;
use apportion_core::ids::{CallerId, LimitId, TeamId, WorkspaceId};
use apportion_core::ledger::MarkKey;
use apportion_core::request::{Lease, LeaseId, Outcome, Ticket};
use apportion_core::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// Under how many different leases a response comes: as many as must agree.
const WITNESSES: usize = 2;

/// One workspace.
pub(super) struct Served {
    /// Its allocator.
    pub(super) allocator: Allocator,
    /// Who waits.
    pub(super) tickets: BTreeMap<Ticket, u64>,
    /// What was granted and not fetched yet.
    pub(super) answered: BTreeMap<u64, Granted>,
    /// The lease of each request.
    pub(super) leases: BTreeMap<u64, LeaseId>,
    /// The newest leases: responses come under them.
    pub(super) newest: VecDeque<LeaseId>,
}

impl Served {
    /// Nobody waits yet.
    pub(super) fn new(allocator: Allocator) -> Self {
        Self {
            allocator,
            tickets: BTreeMap::new(),
            answered: BTreeMap::new(),
            leases: BTreeMap::new(),
            newest: VecDeque::new(),
        }
    }

    /// The start of the window in force of each limit.
    fn windows(&self) -> Vec<(LimitId, Timestamp)> {
        let windows = self.allocator.unspent().step_by(2);
        windows.map(|(limit, start, _)| (limit.clone(), start)).collect()
    }

    fn granted(&mut self, workspace: &WorkspaceId, request: u64, lease: &Lease) {
        let key = |(limit, window_start)| MarkKey { workspace: workspace.clone(), limit, window_start };
        let keys = self.windows().into_iter().map(key).collect();
        // The allocator itself knows until when permits may come back.
        let granted = Granted { keys, ends: lease.ends_at, returns_until: Timestamp::MAX };
        self.answered.insert(request, granted);
        self.leases.insert(request, lease.id);
        self.newest.push_front(lease.id);
        self.newest.truncate(WITNESSES);
    }

    /// Decides, and keeps what was granted.
    pub(super) fn decide(&mut self, now: Timestamp, workspace: &WorkspaceId) {
        self.allocator.decide(now);
        while let Some(answer) = self.allocator.next_answer() {
            let request = self.tickets.remove(&answer.ticket);
            if let (Some(request), Outcome::Granted(lease)) = (request, &answer.outcome) {
                self.granted(workspace, request, lease);
            }
        }
    }
}

/// The team of a request.
pub(super) fn team(capped: bool) -> TeamId {
    TeamId::new(if capped { "capped" } else { "free" }).expect("a name")
}

/// The one caller of each team.
pub(super) fn caller() -> CallerId {
    CallerId::new("caller").expect("a name")
}
