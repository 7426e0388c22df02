//! Open leases: what was granted in the windows that are still open. A lease closes with its window; permits that have not come
//! back by then are spent.

use crate::ids::RequestId;
use crate::permits::Permits;
use crate::request::{Content, Lease, LeaseId, Usage};
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;

/// A lease that the allocator granted, with what was reported on it so far.
#[derive(Clone, Debug)]
pub(crate) struct AllocatedLease {
    pub(crate) lease: Lease,
    pub(crate) team: NodeIx,
    pub(crate) caller: Slot,
    /// The node whose reservation was used.
    pub(crate) reserved_at: Option<NodeIx>,
    /// What was asked for.
    pub(crate) content: Content,
    /// Also charged to the next window.
    pub(crate) is_edge: bool,
    /// The value of [`Leases::used`] when it was granted.
    pub(crate) used_before: u32,
    pub(crate) used: Permits,
    pub(crate) returned: Permits,
    /// When its holder sent the final report; [`Timestamp::MAX`] until then.
    pub(crate) final_at: Timestamp,
    pub(crate) request_id: Option<RequestId>,
    /// How many answers carry it: that of the request, and that of each repeat.
    pub(crate) answers: u32,
    /// The part of the grants under previous shapes that it belongs to; 0 if it was granted under the current shape.
    pub(crate) previous: u32,
}

/// What a report added to what was known of a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported {
    /// Permits used, beyond those of earlier reports.
    pub(crate) used: Permits,
    /// Permits that come back, beyond those of earlier reports.
    pub(crate) accepted: Permits,
    /// Whether it is the first that ends the use of the lease.
    pub(crate) is_last: bool,
}

impl AllocatedLease {
    /// Applies a report. Counts never decrease: used permits cannot come back, and returned ones may already be granted again.
    pub(crate) fn report(&mut self, now: Timestamp, usage: Usage) -> Reported {
        let is_last = usage.is_final && !self.is_final();
        let (before, used) = (self.returned, usage.used.less(self.used));
        let most = self.lease.permits.less(usage.used.max(self.used)).max(before);
        if !self.is_final() {
            self.returned = usage.returned.max(before).min(most);
        }
        self.used = self.used.max(usage.used);
        if is_last {
            self.final_at = now;
        }
        debug_assert!(self.returned <= self.lease.permits && self.returned >= before);
        Reported { used, accepted: self.returned.less(before), is_last }
    }

    /// Whether its team was removed: it may still be used, but its permits no longer return to the budget.
    pub(crate) fn is_closed(&self) -> bool {
        self.team == NodeIx::NONE
    }

    /// How many of its permits may still be used.
    pub(crate) fn may_be_used(&self) -> Permits {
        if self.is_final() { Permits::ZERO } else { self.lease.permits.less(self.returned) }
    }

    /// Whether its holder sent the final report.
    pub(crate) fn is_final(&self) -> bool {
        self.final_at != Timestamp::MAX
    }
}

/// The open leases of a workspace, in order of their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases {
    open: Vec<AllocatedLease>,
    last: u64,
    /// How many of the oldest have no request id.
    without_id: usize,
    /// All permits that were reported as used on open leases, modulo 2^32.
    used: u32,
}

impl Leases {
    /// The id of the next lease.
    pub(crate) fn next_id(&mut self) -> LeaseId {
        self.last += 1;
        LeaseId(self.last)
    }

    /// All permits that were reported as used on open leases, modulo 2^32.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// Adds `n` permits that were reported as used.
    pub(crate) fn count_used(&mut self, n: Permits) {
        self.used = self.used.wrapping_add(n.get());
    }

    /// Keeps a lease, whose id is the newest.
    pub(crate) fn insert(&mut self, open: AllocatedLease) {
        self.open.push(open);
    }

    /// An open lease.
    pub(crate) fn find(&mut self, id: LeaseId) -> Option<&mut AllocatedLease> {
        let at = self.place(id)?;
        Some(&mut self.open[at])
    }

    /// Ids are consecutive, so a lease is as far from the end as its id is from the last one, unless leases between
    /// them closed early.
    fn place(&self, id: LeaseId) -> Option<usize> {
        let newer = usize::try_from(self.last.checked_sub(id.0)?).ok()?;
        let near = self.open.len().checked_sub(newer + 1);
        match near.filter(|&at| self.open[at].lease.id == id) {
            Some(at) => Some(at),
            None => self.open.binary_search_by_key(&id, |open| open.lease.id).ok(),
        }
    }

    /// The primary window ends: its leases close, but not those that are also charged to the next one, nor live ones
    /// of previous shapes. Passes on the request ids that ended.
    pub(crate) fn roll(&mut self, now: Timestamp, mut ended: impl FnMut(Slot, RequestId)) {
        let before = self.open.len();
        self.open.retain_mut(|open| {
            let is_live =
                std::mem::take(&mut open.is_edge) || (open.previous != 0 && open.lease.ends_at >= now);
            if let Some(id) = open.request_id.take_if(|_| !is_live) {
                ended(open.caller, id);
            }
            is_live
        });
        self.without_id = 0;
        self.open.shrink_to(before); // room for as many again, and none where there were none
    }

    /// Another limit is the primary one, whose next window was not charged for any lease: nothing comes back to it. What was charged to
    /// the next window of the former primary limit stays spent.
    pub(crate) fn forget_edges(&mut self) {
        self.open.iter_mut().for_each(|open| open.is_edge = false);
    }

    /// Takes the request id of the oldest lease that has one: a repeat will be another request.
    pub(crate) fn forget_the_oldest_id(&mut self) -> Option<(Slot, RequestId)> {
        while let Some(open) = self.open.get_mut(self.without_id) {
            self.without_id += 1;
            if let Some(id) = open.request_id.take() {
                return Some((open.caller, id));
            }
        }
        None
    }

    /// All open leases.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &AllocatedLease> {
        self.open.iter()
    }

    /// Leases of the present shape become those of a previous one.
    pub(crate) fn leave(&mut self, edge: bool, part: u32) {
        let leaving = self.open.iter_mut().filter(|open| open.previous == 0 && open.is_edge == edge);
        leaving.for_each(|open| open.previous = part);
    }

    /// The leases of a team that is removed close: nothing comes back of them.
    pub(crate) fn close_those_of(&mut self, team: NodeIx) {
        for open in self.open.iter_mut().filter(|open| open.team == team) {
            open.team = NodeIx::NONE;
            open.request_id = None;
        }
    }
}
