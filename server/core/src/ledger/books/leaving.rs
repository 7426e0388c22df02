//! The books of a workspace are closed: what was booked and not granted goes back.

use super::state::WorkspaceBooks;
use super::write::{MarksPurpose, MarksWrite};
use crate::ledger::mark::MarkKey;
use crate::ledger::marks::Marks;
use crate::ledger::outbox::Outbox;
use crate::ledger::tenure::Tenure;
use crate::ledger::version::Version;
use crate::permits::Permits;
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl WorkspaceBooks {
    /// What is free of each window, of which so much was granted. Of a window that is not named nobody knows what was granted: all
    /// of it counts as spent.
    fn unspent(&self, granted: &BTreeMap<MarkKey, Permits>) -> Vec<(MarkKey, Permits)> {
        let unspent =
            self.booked.iter().filter(|(_, booked)| !booked.exhausted).filter_map(|(key, booked)| {
                let free = booked.permits.less(*granted.get(key)?);
                (!free.is_zero()).then(|| (key.clone(), free))
            });
        unspent.collect()
    }

    /// Whether something is to be written before the shard may go.
    pub(in crate::ledger) fn has_to_write(&self, granted: &BTreeMap<MarkKey, Permits>) -> bool {
        self.pending.has_news() || !self.unspent(granted).is_empty()
    }

    /// Reads the marks, where they are not known. Whether they are.
    pub(in crate::ledger) fn are_loaded(&mut self, tenure: &Tenure<'_>, outbox: &mut Outbox) -> bool {
        if self.held.is_none() && self.flight.is_none() {
            self.load(tenure, outbox);
        }
        self.held.is_some()
    }

    /// The marks are others than was thought: they are read again.
    pub(in crate::ledger) fn reload(&mut self, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        self.load(tenure, outbox);
    }

    /// The marks to leave behind, with the version that they replace.
    pub(in crate::ledger) fn last_marks(
        &self,
        now: Timestamp,
        granted: &BTreeMap<MarkKey, Permits>,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) -> Option<(Marks, Option<Version>)> {
        let (base, expected) = self.held.as_ref()?;
        let mut new = self.pending.book(base, outbox.nonce(), now, tenure.horizon.runway).new;
        new.give_back(self.unspent(granted));
        Some((new, *expected))
    }

    /// Writes the marks to leave behind by themselves.
    pub(in crate::ledger) fn give_back(
        &mut self,
        now: Timestamp,
        granted: &BTreeMap<MarkKey, Permits>,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) {
        if let Some((new, expected)) = self.last_marks(now, granted, tenure, outbox) {
            let carried = std::mem::take(&mut self.pending);
            self.send(MarksWrite::new(MarksPurpose::Return, expected, new, carried), tenure, outbox);
        }
    }
}
