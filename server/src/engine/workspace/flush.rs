//! Sends an allocator's answers and effects where they belong, and sets the alarm for its next deadline.

use super::state::{Service, Workspace, WorkspaceState};
use crate::engine::command::Command;
use crate::engine::grant::{Granted, Reply};
use crate::engine::lease_name::{LeaseName, Life};
use crate::engine::wait_stats::RequestOrigin;
use crate::error::Error;
use apportion_core::host;
use apportion_core::ledger::Version;
use apportion_core::request::{Answer, Ask, Lease, LeaseId, Outcome, Ticket};
use apportion_core::time::Timestamp;
use std::sync::Arc;

impl Workspace {
    /// Sends everything that the allocator has to send. Returns the answer to `own`, a request that has no waiter yet.
    pub(super) fn flush(
        self: &Arc<Self>,
        state: &mut WorkspaceState,
        now: Timestamp,
        own: Option<(Ticket, &Ask)>,
    ) -> Option<Reply> {
        let Service::Open(allocator) = &mut state.service else { return None };
        let mut own_reply = None;
        while let Some(Answer { ticket, outcome }) = allocator.next_answer() {
            let waiters = state.waiters.take(ticket);
            let receivers = waiters.len() + usize::from(own.is_some_and(|(own, _)| own == ticket));
            if let (Outcome::Granted(lease), 2..) = (&outcome, receivers) {
                allocator.also_answered(lease.id, u32::try_from(receivers - 1).unwrap_or(u32::MAX));
            }
            let has_waiters = !waiters.is_empty();
            for (at, waiter) in waiters.into_iter().enumerate() {
                let origin = RequestOrigin { is_repeat: at > 0, ..waiter.origin() };
                state.stats.record(now, origin, waiter.arrived, &outcome, allocator.policy());
                let reply = self.reply(state.life, &outcome, waiter.arrived, now);
                waiter.send(reply);
            }
            if let Some((_, ask)) = own.filter(|(own, _)| *own == ticket) {
                let origin = RequestOrigin { is_repeat: has_waiters, ..RequestOrigin::of(ask) };
                state.stats.record(now, origin, now, &outcome, allocator.policy());
                own_reply = Some(self.reply(state.life, &outcome, now, now));
            }
        }
        while let Some(effect) = allocator.next_effect() {
            let input = host::shard_input(self.id.clone(), Version(state.versioned.version), effect);
            self.environment.ledger.send(Command::Shard(self.shard, input));
        }
        if let Some(at) = allocator.next_deadline().filter(|at| *at < state.alarm_at) {
            state.alarm_at = at;
            self.environment.timer.set(at, self);
        }
        own_reply
    }

    /// The reply, decided at `now`, to a request that came at `received_at`.
    fn reply(&self, life: Life, outcome: &Outcome, received_at: Timestamp, now: Timestamp) -> Reply {
        match outcome {
            Outcome::Granted(lease) => Ok(self.grant(life, *lease, received_at)),
            Outcome::Refused(refusal) => Err(Error::Refused { refusal: refusal.clone(), now }),
        }
    }

    /// A lease of the allocator, for a request that came at `received_at`.
    pub(super) fn grant(&self, life: Life, lease: Lease, received_at: Timestamp) -> Granted {
        let (name, signals_version) = (self.name(life, lease.id), self.signals_version());
        Granted { name, lease, received_at, signals_version }
    }

    pub(super) fn name(&self, life: Life, id: LeaseId) -> LeaseName {
        LeaseName::new(&self.environment.secret, &self.id, life, id)
    }
}
