//! Open leases: what was granted in the windows that are still open. A lease closes with its window; what is not back by then
//! is spent.

use crate::ids::RequestId;
use crate::permits::Permits;
use crate::request::{Content, Lease, LeaseId};
use crate::share::tree::NodeIx;
use crate::slab::Slot;

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
    /// Nothing more will be said of it.
    pub(crate) is_final: bool,
    pub(crate) request_id: Option<RequestId>,
}

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

    /// The scheduler's window ends: its leases close, but not those that are also charged to the next one. Tells whose request ids
    /// ended.
    pub(crate) fn roll(&mut self, mut ended: impl FnMut(Slot, RequestId)) {
        let before = self.open.len();
        self.open.retain_mut(|open| {
            if let Some(id) = open.request_id.take_if(|_| !open.edge) {
                ended(open.caller, id);
            }
            std::mem::take(&mut open.edge)
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

    /// The leases of a team that is removed close.
    pub(crate) fn drop_those_of(&mut self, team: NodeIx) {
        self.open.retain(|open| open.team != team);
        self.without_id = 0;
    }
}
