//! A request is granted, or permits of it come back: tags and counts of its team and caller follow.

use super::backlog::ServedHead;
use super::state::Contest;
use crate::permits::Permits;
use crate::queue::QueuedRequest;
use crate::replies::Replies;
use crate::request::Ticket;
use crate::share::tree::NodeIx;
use crate::share::turns::{Charge, TeamService};
use crate::slab::Slot;
use crate::windows::side::Edges;
use crate::windows::{Charged, TeamGrant, Windows};

/// What a waiting request is granted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) slot: Slot,
    pub(crate) permits: Permits,
    /// The node whose reservation is used.
    pub(crate) reserved_at: Option<NodeIx>,
    pub(crate) edges: Edges,
}

/// A request that was granted.
#[derive(Clone, Debug)]
#[must_use = "its team has to be looked at again with `Contest::finish`"]
pub(crate) struct ServedRequest {
    pub(crate) ticket: Ticket,
    pub(crate) request: QueuedRequest,
    pub(crate) service: TeamService,
}

/// Permits of a lease that came back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Returned {
    pub(crate) service: TeamService,
    pub(crate) caller: Slot,
    /// They were charged to the next window too.
    pub(crate) is_edge: bool,
}

impl Contest {
    /// Grants the head of a caller. Its team competes again after [`Contest::finish`].
    pub(crate) fn serve(&mut self, grant: &Grant, windows: &mut Windows) -> Option<ServedRequest> {
        let ticket = self.queue().ticket(grant.slot);
        let request = self.backlog.serve(&ServedHead {
            slot: grant.slot,
            permits: grant.permits,
            grant: self.grants + 1,
            budget: windows.primary().budget,
            closes: windows.primary().closes(),
        })?;
        let served = self.count(ticket, request, grant, windows);
        self.turns.charge(&served.service, Charge::Granted, &self.tree);
        Some(served)
    }

    /// Grants the request beside which nothing waits. Tags and lanes need not know of it: whatever waits next begins a new busy
    /// period, as it would have had this one waited for a moment.
    pub(crate) fn serve_uncontended(
        &mut self,
        grant: &Grant,
        windows: &mut Windows,
    ) -> Option<ServedRequest> {
        let ticket = self.queue().ticket(grant.slot);
        let request = self.backlog.serve_outside_lanes(grant.slot, self.grants + 1)?;
        Some(self.count(ticket, request, grant, windows))
    }

    /// Counts a grant in the windows and at every node of the path.
    fn count(
        &mut self,
        ticket: Ticket,
        request: QueuedRequest,
        grant: &Grant,
        windows: &mut Windows,
    ) -> ServedRequest {
        let &Grant { permits, reserved_at, edges, .. } = grant;
        let (caller, priority) = (request.caller, request.priority);
        let team = self.queue().callers[caller].team;
        self.grants += 1;
        let (number, is_edge) = (self.grants, edges.has(windows.primary_place()));
        self.tree.for_path(team, |node| {
            node.last_grant = number;
            node.granted += permits;
            if is_edge {
                node.granted_next += permits;
            }
        });
        // The lease of an edge permit ends with the next window.
        self.backlog.mark_active(caller, windows.count() + u64::from(is_edge));
        let queued = self.backlog.queued(team, priority);
        windows.charge(&TeamGrant { team, priority, permits, queued }, &edges);
        ServedRequest { ticket, request, service: TeamService { team, priority, permits, reserved_at } }
    }

    /// A granted request is answered: what is next of its team competes.
    pub(crate) fn finish(&mut self, served: &ServedRequest, windows: &mut Windows, replies: &mut Replies) {
        let TeamService { team, priority, .. } = served.service;
        if self.queue().first(served.request.caller, priority).is_some() {
            self.refuse_impossible(team, windows, replies); // the next one may be larger than can be granted by now
        }
        self.update_all_waits(team); // the grant may have used up a cap
    }

    /// Permits of a lease came back. `charged` tells which windows they were charged to.
    pub(crate) fn give_back(
        &mut self,
        returned: &Returned,
        charged: &[Charged],
        windows: &mut Windows,
        replies: &mut Replies,
    ) {
        let &Returned { service, caller, is_edge } = returned;
        let TeamService { team, priority, permits, .. } = service;
        let queued = self.backlog.queued(team, priority);
        let grant = TeamGrant { team, priority, permits, queued };
        windows.put_back(permits, charged);
        windows.uncount(&grant, charged, is_edge);
        if charged[windows.primary_place()] == Charged::ByGrant {
            windows.restore(&grant, is_edge);
            self.tree.for_path(team, |node| {
                node.granted = node.granted.less(permits);
                if is_edge {
                    node.granted_next = node.granted_next.less(permits);
                }
            });
            self.turns.charge(&service, Charge::Returned, &self.tree);
            self.backlog.refund(caller, permits);
        }
        self.review(team, windows, replies);
    }
}
