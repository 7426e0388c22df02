//! Decisions that no call asked for: at the allocator's deadlines, and after what the ledger reports.

use super::state::{Service, Workspace, WorkspaceState};
use crate::engine::command::Command;
use apportion_core::allocator::Allocator;
use apportion_core::time::{Span, Timestamp};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How late an alarm may be for its decision to be made as at the instant that it was set for.
const LATENESS_MAX: Span = Span::from_ms(50);

impl Workspace {
    /// Decides at the deadline that the allocator named.
    pub(in crate::engine) fn wake(self: &Arc<Self>) {
        let mut guard = self.lock();
        let now = self.now();
        if now >= guard.alarm_at {
            let due = std::mem::replace(&mut guard.alarm_at, Timestamp::MAX);
            // The last permits that are kept are released at the very close of a window, and a timer is always a little late.
            // A lease that is granted as at that instant ends no later for it.
            if now.since(due) <= LATENESS_MAX {
                self.decide(&mut guard, due);
            }
            self.decide(&mut guard, now);
        }
    }

    /// Changes the allocator of an open workspace, and decides again.
    pub(in crate::engine) fn update(self: &Arc<Self>, change: impl FnOnce(&mut Allocator)) {
        let mut guard = self.lock();
        if let Service::Open(allocator) = &mut guard.service {
            change(allocator);
            let now = self.now();
            self.decide(&mut guard, now);
        }
    }

    pub(super) fn decide(self: &Arc<Self>, state: &mut WorkspaceState, now: Timestamp) {
        if let Service::Open(allocator) = &mut state.service {
            allocator.decide(now);
            self.flush(state, now, None);
        }
    }

    /// Runs `act`. A panic harms no other workspace: this one is closed, and reopened at once.
    pub(in crate::engine) fn contain_panic(self: &Arc<Self>, act: impl FnOnce(&Arc<Self>)) {
        if catch_unwind(AssertUnwindSafe(|| act(self))).is_err() {
            tracing::error!(workspace = %self.id, "a decision panicked: the workspace is closed and reopened");
            drop(self.lock());
            self.environment.ledger.send(Command::Open(self.id.clone(), None));
        }
    }
}
