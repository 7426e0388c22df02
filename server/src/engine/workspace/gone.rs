//! Who has gone: a waiting request is withdrawn, a lease that nobody heard of comes back, and a decision that panicked closes its own
//! workspace only.

use super::{Service, State, Workspace};
use crate::engine::answer::Granted;
use crate::engine::ledger::Command;
use crate::engine::parts::Parts;
use crate::engine::waiting::Waiting;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::time::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

impl Workspace {
    /// Takes a waiting request back, or the lease that was granted meanwhile.
    pub(in crate::engine) fn give_up(self: &Arc<Self>, parts: &Arc<Parts>, waiting: &mut Waiting) {
        let mut guard = self.lock();
        let now = parts.clock.now();
        let state = &mut *guard;
        if let Some(told) = waiting.take_answer() {
            if let Ok(granted) = told {
                state.unheard(now, (&waiting.team, &waiting.caller), &granted);
            }
        } else if state.waiting.leave(waiting.ticket, waiting.place)
            && let Service::Open(allocator) = &mut state.service
        {
            allocator.cancel(now, waiting.ticket);
            allocator.decide(now);
        }
        self.drain(parts, state, now, None);
    }

    /// Takes back a lease whose answer reached nobody.
    pub(in crate::engine) fn unheard(
        self: &Arc<Self>,
        parts: &Arc<Parts>,
        by: (&TeamId, &CallerId),
        granted: &Granted,
    ) {
        let mut guard = self.lock();
        let now = parts.clock.now();
        guard.unheard(now, by, granted);
        self.drain(parts, &mut guard, now, None);
    }

    /// Lets `act` happen here. Where it panics, nobody else comes to harm: the workspace is closed, and opened anew at once.
    pub(in crate::engine) fn shielded(self: &Arc<Self>, parts: &Arc<Parts>, act: impl FnOnce(&Arc<Self>)) {
        if catch_unwind(AssertUnwindSafe(|| act(self))).is_err() {
            tracing::error!(workspace = %self.id, "a decision failed: the workspace starts anew");
            drop(self.lock());
            parts.tell(Command::Serve(self.id.clone(), None));
        }
    }
}

impl State {
    /// One who was to be told of a lease of this life has gone.
    fn unheard(&mut self, now: Timestamp, by: (&TeamId, &CallerId), granted: &Granted) {
        if let Service::Open(allocator) = &mut self.service
            && granted.name.is_of(self.life)
            && allocator.undelivered(now, granted.lease.id, by)
        {
            allocator.decide(now);
        }
    }
}
