//! Open leases: what was granted in the windows that are still open. A lease closes with its window; what is not back by then
//! is spent.

use crate::ids::RequestId;
use crate::permits::Permits;
use crate::request::{Content, Lease, LeaseId};
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;

/// A lease as the allocator keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) lease: Lease,
    pub(crate) team: NodeIx,
    pub(crate) caller: Slot,
    /// The node whose reservation was used; the root: none.
    pub(crate) holder: NodeIx,
    /// What was asked for.
    pub(crate) content: Content,
    /// Also charged to the next window.
    pub(crate) edge: bool,
    /// What leases had been reported to have used in all, modulo 2^32, when it was granted.
    pub(crate) spent_before: u32,
    pub(crate) used: Permits,
    pub(crate) returned: Permits,
    /// When it was said that nothing more will be used of it; the end of time: not yet.
    pub(crate) final_at: Timestamp,
    pub(crate) request_id: Option<RequestId>,
    /// How many were told of it or are about to be: the request, and each repeat.
    pub(crate) told: u32,
    /// Which part of what was granted under former shapes it belongs to; 0: to none.
    pub(crate) former: u32,
}

impl Open {
    /// Whether its team was removed.
    pub(crate) fn is_closed(&self) -> bool {
        self.team == NO_TEAM
    }

    /// How many of its permits may still be used.
    pub(crate) fn may_be_used(&self) -> Permits {
        if self.is_final() { Permits::ZERO } else { self.lease.permits.less(self.returned) }
    }

    /// Whether nothing more will be said of it.
    pub(crate) fn is_final(&self) -> bool {
        self.final_at != Timestamp::MAX
    }
}

/// The team of a lease whose team was removed: nothing comes back of it, and it may be used all the same.
const NO_TEAM: NodeIx = NodeIx::MAX;

/// The open leases of a workspace, in order of their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases {
    open: Vec<Open>,
    last: u64,
    /// So many of the oldest have no request id.
    without_id: usize,
}

impl Leases {
    /// The id of the next lease.
    pub(crate) fn next_id(&mut self) -> LeaseId {
        self.last += 1;
        LeaseId(self.last)
    }

    /// Keeps a lease, whose id is the newest.
    pub(crate) fn insert(&mut self, open: Open) {
        self.open.push(open);
    }

    /// An open lease.
    pub(crate) fn find(&mut self, id: LeaseId) -> Option<&mut Open> {
        let at = self.place(id)?;
        Some(&mut self.open[at])
    }

    /// Ids are given out in turn, so a lease stands as far from the end as its id is from the last one, unless leases between
    /// them closed early.
    fn place(&self, id: LeaseId) -> Option<usize> {
        let newer = usize::try_from(self.last.checked_sub(id.0)?).ok()?;
        let near = self.open.len().checked_sub(newer + 1);
        match near.filter(|&at| self.open[at].lease.id == id) {
            Some(at) => Some(at),
            None => self.open.binary_search_by_key(&id, |open| open.lease.id).ok(),
        }
    }

    /// The scheduler's window ends: its leases close, but not those that are also charged to the next one, nor those of former
    /// shapes that live. Tells whose request ids ended.
    pub(crate) fn roll(&mut self, now: Timestamp, mut ended: impl FnMut(Slot, RequestId)) {
        let before = self.open.len();
        self.open.retain_mut(|open| {
            let lives = std::mem::take(&mut open.edge) || (open.former != 0 && open.lease.ends_at >= now);
            if let Some(id) = open.request_id.take_if(|_| !lives) {
                ended(open.caller, id);
            }
            lives
        });
        self.without_id = 0;
        self.open.shrink_to(before); // room for as many again, and none where there were none
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

    /// Every lease closes at once.
    pub(crate) fn clear(&mut self) -> Vec<Open> {
        self.without_id = 0;
        std::mem::take(&mut self.open)
    }

    /// All open leases.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.open.iter()
    }

    /// Leases of the present shape become those of a former one.
    pub(crate) fn leave(&mut self, edge: bool, part: u32) {
        let leaving = self.open.iter_mut().filter(|open| open.former == 0 && open.edge == edge);
        leaving.for_each(|open| open.former = part);
    }

    /// The leases of a team that is removed close: nothing comes back of them.
    pub(crate) fn close_those_of(&mut self, team: NodeIx) {
        for open in self.open.iter_mut().filter(|open| open.team == team) {
            open.team = NO_TEAM;
            open.request_id = None;
        }
    }
}
