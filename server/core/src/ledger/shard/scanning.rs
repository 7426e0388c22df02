//! The marks of a shard are read, page by page, and its workspaces are opened with what was learned of them.
//!
//! Marks that are read after the claim is durable are final: no write of a former owner commits after it. Those of windows that are
//! open are kept; all others cost nothing until they are asked for.

use super::scan::Scan;
use super::state::{ShardLedger, Site, Stage};
use crate::ledger::books::WorkspaceBooks;
use crate::ledger::effect::HostEffect;
use crate::ledger::flight::{Flight, FlightState};
use crate::ledger::marks::Marks;
use crate::ledger::outbox::Outbox;
use crate::ledger::store::{ScanOutcome, Token};
use crate::ledger::version::Version;
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl ShardLedger {
    /// Reads all marks, and opens every workspace with an allocator of this life. One scan replaces another.
    pub(in crate::ledger) fn scan(&mut self, life: u64, outbox: &mut Outbox) {
        let token = outbox.token(self.number, None);
        outbox.emit(HostEffect::Scan { token: token.clone(), after: None });
        let (flight, learned) = (Flight::reading(token, None), BTreeMap::new());
        self.scan = Some(Scan { flight, life, after: None, learned, booked_ahead: None });
    }

    /// Every workspace is opened again, as the clock has a new anchor: now where the shard is served, else once it is.
    pub(in crate::ledger) fn reanchor(&mut self, life: u64, outbox: &mut Outbox) {
        self.is_reanchored = true;
        if self.is_serving() {
            self.scan(life, outbox);
        }
    }

    /// The answer to a scan. One to a question that is no longer asked is ignored.
    pub(in crate::ledger) fn scan_done(
        &mut self,
        now: Timestamp,
        token: &Token,
        outcome: ScanOutcome,
        site: &Site,
        outbox: &mut Outbox,
    ) {
        let Some(mut scan) = self.scan.take_if(|scan| scan.flight.is(token, FlightState::Reading)) else {
            return;
        };
        let ScanOutcome::Page { marks, next } = outcome else {
            scan.flight = scan.flight.after_failure(now, outbox);
            self.scan = Some(scan);
            return;
        };
        for (marks, version) in marks {
            self.take_in(now, marks, version, &mut scan, site);
        }
        if next.is_none() {
            return self.open_all(scan, outbox);
        }
        let token = outbox.token(self.number, None);
        outbox.emit(HostEffect::Scan { token: token.clone(), after: next.clone() });
        self.scan = Some(Scan { flight: Flight::reading(token, None), after: next, ..scan });
    }

    fn take_in(&mut self, now: Timestamp, marks: Marks, version: Version, scan: &mut Scan, site: &Site) {
        let Some((tenure, books)) = self.parts(&site.horizon) else { return };
        let marks = tenure.adopted(marks, now);
        // What this node wrote itself since the scan began is newer.
        let known = books.get(&marks.workspace).and_then(WorkspaceBooks::marks).unwrap_or(&marks);
        if !known.learned.is_empty() {
            scan.learned.insert(marks.workspace.clone(), known.learned.clone());
        }
        scan.booked_ahead = scan.booked_ahead.max(known.booked_too_far_ahead(now, tenure.horizon));
        if marks.is_busy(now) {
            let of_it = books.entry(marks.workspace.clone());
            of_it.or_insert_with(|| WorkspaceBooks::loaded(marks, version));
        }
    }

    fn open_all(&mut self, scan: Scan, outbox: &mut Outbox) {
        let shard = self.number;
        let is_taken_over = self.stage == Stage::Taking;
        if is_taken_over {
            self.stage = Stage::Serving;
        }
        let Scan { life, learned, booked_ahead, .. } = scan;
        let is_reanchored = std::mem::take(&mut self.is_reanchored);
        outbox.emit(HostEffect::OpenAll { shard, life, learned, is_reanchored, booked_ahead });
        for books in self.books.values() {
            books.remind(outbox);
        }
        if is_taken_over {
            let epoch = self.claim().map_or(0, |claim| claim.epoch);
            outbox.emit(HostEffect::Owned { shard, epoch });
        }
    }

    pub(super) fn retry_scan(&mut self, now: Timestamp, outbox: &mut Outbox) {
        let Some(scan) = &mut self.scan else { return };
        if scan.flight.is_due(now) {
            let token = outbox.token(self.number, None);
            outbox.emit(HostEffect::Scan { token: token.clone(), after: scan.after.clone() });
            scan.flight.asked_again(token);
        } else if let Some(until) = scan.flight.waits_until() {
            outbox.wake_at(until);
        }
    }
}
