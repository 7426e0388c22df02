//! What the books of a workspace ask of the store. At most one question is in flight, and a write carries everything that is
//! pending.

use super::state::WorkspaceBooks;
use super::write::{MarksPurpose, MarksWrite};
use crate::ledger::booking::Booking;
use crate::ledger::effect::HostEffect;
use crate::ledger::flight::Flight;
use crate::ledger::outbox::Outbox;
use crate::ledger::tenure::Tenure;
use crate::time::Timestamp;

impl WorkspaceBooks {
    /// Starts what is due, where no question is in flight.
    pub(super) fn pump(&mut self, now: Timestamp, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        let is_due = self.opens.is_some() || (tenure.is_serving && !self.pending.is_empty());
        if self.flight.is_some() || !is_due {
            return;
        }
        let Some((marks, version)) = &self.held else { return self.load(tenure, outbox) };
        if let Some(life) = self.opens.take() {
            let (shard, workspace, learned) = (tenure.shard, self.id.clone(), marks.learned.clone());
            outbox.emit(HostEffect::Open { shard, workspace, life, learned });
        }
        self.pending.drop_known(marks, version.is_none());
        if tenure.is_serving && !self.pending.is_empty() {
            self.book(now, tenure, outbox);
        }
    }

    /// Asks for the marks.
    pub(super) fn load(&mut self, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        self.held = None;
        self.read(None, tenure, outbox);
    }

    /// Sends one write that carries everything that is pending.
    fn book(&mut self, now: Timestamp, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        let Some((base, expected)) = &self.held else { return };
        let booking = self.pending.book(base, outbox.nonce(), now, tenure.horizon.runway);
        let Booking { new, raises, refused, policy } = booking;
        let expected = *expected;
        for (key, why) in refused {
            if let Some(want) = self.pending.wanted.remove(&key) {
                self.refuse(&want, why, outbox);
            }
        }
        if raises.is_empty() && !self.pending.has_news() {
            return;
        }
        let carried = std::mem::take(&mut self.pending);
        let write =
            MarksWrite { raises, policy, ..MarksWrite::new(MarksPurpose::Book, expected, new, carried) };
        self.send(write, tenure, outbox);
    }

    pub(super) fn send(&mut self, write: MarksWrite, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        let (token, swap) = (outbox.token(tenure.shard, Some(&self.id)), write.swap(tenure));
        outbox.emit(HostEffect::Swap { token: token.clone(), swap });
        self.flight = Some(Flight::writing(token, write));
    }

    pub(super) fn read(&mut self, write: Option<MarksWrite>, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        let token = outbox.token(tenure.shard, Some(&self.id));
        outbox.emit(HostEffect::Read { token: token.clone() });
        self.flight = Some(Flight::reading(token, write));
    }

    /// Reads again what a failed read did not show, once its wait is over.
    pub(in crate::ledger) fn advance(&mut self, now: Timestamp, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        let Some(flight) = &mut self.flight else { return };
        if flight.is_due(now) {
            let token = outbox.token(tenure.shard, Some(&self.id));
            outbox.emit(HostEffect::Read { token: token.clone() });
            flight.asked_again(token);
        } else if let Some(until) = flight.waits_until() {
            outbox.wake_at(until);
        }
    }
}
