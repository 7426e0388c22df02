//! A shard is handed over: what its workspaces booked and did not grant goes back, and the last write names the new owner.

use super::state::{ShardLedger, Site, Stage};
use super::write::{ClaimPurpose, ClaimWrite};
use crate::ids::WorkspaceId;
use crate::ledger::bounds::RETURNS_MAX;
use crate::ledger::outbox::Outbox;
use crate::time::Timestamp;

impl ShardLedger {
    /// Goes on with a hand-over, once no write is under way any more. The workspaces that a transaction has no room for go back by
    /// themselves first.
    pub(super) fn leave(&mut self, now: Timestamp, site: &Site, outbox: &mut Outbox) {
        let Stage::Leaving(to, granted) = &self.stage else { return };
        let (to, granted) = (to.clone(), granted.clone());
        if self.flight.is_some() || self.books.values().any(|books| books.is_asking()) {
            return;
        }
        let has_to_write = self.books.iter().filter(|(_, books)| books.has_to_write(&granted));
        let mut left: Vec<WorkspaceId> = has_to_write.map(|(id, _)| id.clone()).collect();
        let alone = left.split_off(left.len().min(RETURNS_MAX));
        let Some((tenure, books)) = self.parts(&site.horizon) else { return };
        let mut are_loaded = true;
        for id in left.iter().chain(&alone) {
            let Some(of_it) = books.get_mut(id) else { continue };
            are_loaded &= of_it.are_loaded(&tenure, outbox);
        }
        if !are_loaded {
            return;
        }
        for id in &alone {
            let Some(of_it) = books.get_mut(id) else { continue };
            of_it.give_back(now, &granted, &tenure, outbox);
        }
        if alone.is_empty() {
            let left = left.iter().filter_map(|id| books.get(id));
            let marks = left.filter_map(|of_it| of_it.last_marks(now, &granted, &tenure, outbox)).collect();
            let new = tenure.claim.hand_over(to, outbox.nonce());
            let expected = Some(tenure.version);
            self.send(ClaimWrite { marks, ..ClaimWrite::new(ClaimPurpose::HandOver, expected, new) }, outbox);
        }
    }
}
