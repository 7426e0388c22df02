//! Decisions: reservations first, then priorities in order, until nothing more can be granted.

use crate::contest::{Contest, Grant, ServedRequest};
use crate::lease::{AllocatedLease, Leases};
use crate::limit::Limit;
use crate::permits::Permits;
use crate::policy::Policy;
use crate::priority::Priority;
use crate::replies::Replies;
use crate::request::Lease;
use crate::rules::Rules;
use crate::rules::bounds::{Bound, Within};
use crate::rules::pick::Candidate;
use crate::share::tree::NodeIx;
use crate::share::turns::TeamService;
use crate::slab::Slot;
use crate::time::Timestamp;
use crate::windows::Windows;
use crate::windows::side::Edges;

/// A head that waits for a block: nothing overtakes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Stall {
    pub(crate) is_stalled: bool,
    /// How many permits the last such head was to get.
    lacking: Permits,
}

impl Stall {
    /// Nothing may be granted yet.
    pub(crate) fn begin(&mut self) {
        self.is_stalled = true;
    }

    /// Nothing waits for a block.
    pub(crate) fn end(&mut self) {
        self.is_stalled = false;
    }

    /// How many permits a block must hold for the head that waits for it, which may be due more than the least that it takes.
    pub(crate) fn lacking(&self) -> u64 {
        if self.is_stalled { u64::from(self.lacking) } else { 0 }
    }
}

/// What came of granting a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    Granted,
    /// The booked blocks do not hold it: one is requested, and nothing overtakes it.
    Stalled,
}

/// A decision at one instant, and the parts of the workspace that it changes.
pub(crate) struct Granting<'a> {
    pub(crate) now: Timestamp,
    pub(crate) policy: &'a Policy,
    pub(crate) contest: &'a mut Contest,
    pub(crate) windows: &'a mut Windows,
    pub(crate) leases: &'a mut Leases,
    pub(crate) replies: &'a mut Replies,
    pub(crate) stall: &'a mut Stall,
}

impl Granting<'_> {
    fn rules(&self) -> Rules<'_> {
        Rules { policy: self.policy, contest: self.contest, windows: self.windows }
    }

    /// Grants what can be granted, after what is held back was released up to now.
    pub(crate) fn grant_all(&mut self) {
        let is_edge = !self.windows.are_open(self.now);
        if is_edge && !self.look_ahead() {
            return;
        }
        if self.grant_reserved(is_edge) == Progress::Granted {
            self.grant_by_priority(is_edge);
        }
    }

    /// Divides the expected demand of the windows that follow those at their edge. Whether any edge permit may be granted.
    fn look_ahead(&mut self) -> bool {
        let has_edge_permits = self.rules().has_edge_permits(self.now);
        for at in (0..self.windows.limits().len()).filter(|_| has_edge_permits) {
            if !self.windows.limits()[at].is_open(self.now)
                && let Some(ahead) = self.rules().divide_ahead(at, self.now)
            {
                self.windows.set_ahead(at, ahead);
            }
        }
        has_edge_permits
    }

    /// 1. Nodes below their reservation, the one that has the least part of it first.
    fn grant_reserved(&mut self, is_edge: bool) -> Progress {
        while let Some((holder, candidate)) = self.rules().pick_reserved(self.now, is_edge) {
            if self.grant(&candidate, Some(holder)) == Progress::Stalled {
                return Progress::Stalled;
            }
        }
        Progress::Granted
    }

    /// 2. Priorities, the highest first; repeated until a round grants nothing, since a grant can free what was held back.
    fn grant_by_priority(&mut self, is_edge: bool) {
        loop {
            let mut has_granted = false;
            for c in Priority::ALL {
                while let Some(candidate) = self.rules().pick_of_priority(c, self.now, is_edge) {
                    if self.grant(&candidate, None) == Progress::Stalled {
                        return;
                    }
                    has_granted = true;
                }
            }
            if !has_granted {
                return;
            }
        }
    }

    fn grant(&mut self, candidate: &Candidate, reserved_at: Option<NodeIx>) -> Progress {
        let queue = self.contest.queue();
        let Some(slot) = queue.first(candidate.caller, candidate.priority) else { return Progress::Stalled };
        let permits = queue[slot].permits.min(candidate.most).min(self.windows.largest_lease());
        let edges = self.windows.edges(self.now);
        if self.windows.lack_blocks(permits, &edges) {
            *self.stall = Stall { is_stalled: true, lacking: permits };
            return Progress::Stalled;
        }
        let grant = Grant { slot, permits, reserved_at, edges };
        let Some(served) = self.contest.serve(&grant, self.windows) else { return Progress::Stalled };
        self.hand_out(&served, &edges);
        self.contest.finish(&served, self.windows, self.replies);
        Progress::Granted
    }

    /// Grants the uncontended request, if that is possible at once, after what is held back was released up to now.
    pub(crate) fn grant_uncontended(&mut self, slot: Slot) -> bool {
        let request = &self.contest.queue()[slot];
        let (priority, min_permits, permits) = (request.priority, request.min_permits, request.permits);
        let team = self.contest.backlog().team_of(slot);
        let floor = self.windows.first_round_floor(priority);
        let within = Within { this: Bound::Held { lower: 0, protected: 0, floor }, next: None };
        let most = self.contest.tree().room(team).min(self.rules().most(team, priority, &within));
        let permits = permits.min(most).min(self.windows.largest_lease());
        if min_permits > most || self.windows.lack_blocks(permits, &Edges::NONE) {
            return false;
        }
        let grant = Grant { slot, permits, reserved_at: None, edges: Edges::NONE };
        let Some(served) = self.contest.serve_uncontended(&grant, self.windows) else { return false };
        self.hand_out(&served, &Edges::NONE);
        true
    }

    /// The lease of a granted request, and the answer.
    fn hand_out(&mut self, served: &ServedRequest, edges: &Edges) {
        let request = &served.request;
        let TeamService { team, priority, permits, .. } = served.service;
        let is_edge = edges.has(self.windows.primary_place());
        if !is_edge {
            let is_partial = permits < request.permits.min(self.windows.largest_lease());
            self.windows.note_grant(team, priority, is_partial);
        }
        let lease = self.lease(served, edges);
        self.replies.grant(served.ticket, request, lease);
        self.leases.insert(AllocatedLease {
            lease,
            team,
            caller: request.caller,
            reserved_at: served.service.reserved_at,
            content: request.content(),
            is_edge,
            used_before: self.leases.used(),
            used: Permits::ZERO,
            returned: Permits::ZERO,
            final_at: Timestamp::MAX,
            previous: 0,
            request_id: request.request_id.clone(),
            answers: 1,
        });
    }

    fn lease(&mut self, served: &ServedRequest, edges: &Edges) -> Lease {
        let end = |(limit, is_edge): (&Limit, bool)| {
            let window = if is_edge { limit.next_window() } else { limit.window };
            window.leases_end(&limit.margins)
        };
        let ends = self.windows.limits().iter().zip(edges.iter()).map(end);
        Lease {
            id: self.leases.next_id(),
            permits: served.service.permits,
            priority: served.service.priority,
            granted_at: self.now,
            ends_at: ends.min().unwrap_or(self.now),
            window_ends_at: self.windows.primary().window.end.earliest,
            left: self.windows.left(),
            contended: self.contest.competing() > 0,
        }
    }
}
