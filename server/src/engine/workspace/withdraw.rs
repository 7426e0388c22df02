//! A caller is gone: its waiting request is withdrawn, and a lease that did not reach it comes back.

use super::settle::count_returned;
use super::state::{Service, Workspace, WorkspaceState};
use crate::engine::grant::Granted;
use crate::engine::lease_name::{LeaseName, LeaseRef};
use crate::engine::waiters::PendingReply;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::request::LeaseId;
use apportion_core::time::Timestamp;
use std::sync::Arc;

impl Workspace {
    /// Withdraws a waiting request, or takes back the lease that was granted meanwhile.
    pub(in crate::engine) fn withdraw(self: &Arc<Self>, pending: &mut PendingReply) {
        let mut guard = self.lock();
        let now = self.now();
        let state = &mut *guard;
        if let Some(reply) = pending.take_unseen() {
            if let Ok(granted) = reply {
                state.reclaim_granted(now, (&pending.team, &pending.caller), &granted);
            }
        } else if state.waiters.leave(pending)
            && let Service::Open(allocator) = &mut state.service
        {
            allocator.cancel(now, pending.ticket);
            allocator.decide(now);
        }
        self.flush(state, now, None);
    }

    /// Takes back a lease whose answer reached nobody.
    pub(in crate::engine) fn reclaim(self: &Arc<Self>, by: (&TeamId, &CallerId), granted: &Granted) {
        let mut guard = self.lock();
        let now = self.now();
        guard.reclaim_granted(now, by, granted);
        self.flush(&mut guard, now, None);
    }

    /// The same for a lease that is known by its name.
    pub(in crate::engine) fn reclaim_named(self: &Arc<Self>, by: (&TeamId, &CallerId), name: &str) {
        let mut guard = self.lock();
        let now = self.now();
        let state = &mut *guard;
        let named = LeaseName::read(name, &self.environment.secret, &self.id, state.life);
        if let Some(LeaseRef::Lease(id)) = named {
            state.reclaim(now, by, id);
        }
        self.flush(state, now, None);
    }
}

impl WorkspaceState {
    /// One receiver of a lease is gone, if the lease is of this life.
    fn reclaim_granted(&mut self, now: Timestamp, by: (&TeamId, &CallerId), granted: &Granted) {
        if granted.name.is_of(self.life) {
            self.reclaim(now, by, granted.lease.id);
        }
    }

    /// One receiver of a lease of this life is gone.
    fn reclaim(&mut self, now: Timestamp, by: (&TeamId, &CallerId), id: LeaseId) {
        if let Service::Open(allocator) = &mut self.service
            && let Some(settled) = allocator.undelivered(now, id, by)
        {
            count_returned(allocator, &mut self.stats, (id, by), settled.accepted);
            allocator.decide(now);
        }
    }
}
