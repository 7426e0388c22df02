//! Answers that never reached anybody: a lease of which nobody heard comes back as if it had not been granted.

use super::Allocator;
use crate::ids::{CallerId, TeamId};
use crate::permits::Permits;
use crate::request::LeaseId;
use crate::time::Timestamp;

impl Allocator {
    /// So many more are about to be told of a lease: repeats that waited with the request.
    pub fn also_told(&mut self, id: LeaseId, more: u32) {
        if let Some(open) = self.leases.find(id) {
            open.told = open.told.saturating_add(more);
        }
    }

    /// One who was to be told of a lease went without hearing of it. When nobody is left who did, all of it comes back while its
    /// window is open, and its request id is forgotten, so that a repeat is a request of its own. Returns whether that happened.
    /// Call [`Allocator::decide`] next.
    pub fn unheard(&mut self, now: Timestamp, id: LeaseId, by: (&TeamId, &CallerId)) -> bool {
        let Some(open) = self.leases.find(id) else { return false };
        open.told = open.told.saturating_sub(1);
        if open.told > 0 {
            return false;
        }
        let (permits, caller) = (open.lease.permits, open.caller);
        if self.settle(now, id, by, Permits::ZERO, permits, true).is_err() {
            return false;
        }
        if let Some(request) = self.leases.find(id).and_then(|open| open.request_id.take()) {
            self.known.remove(&(caller, request));
        }
        true
    }
}
