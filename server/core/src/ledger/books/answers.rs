//! What the store's answers mean for the books of a workspace: booked, refused, lost, or not known yet.
//!
//! Owns the rule that an unknown outcome grants nothing and is read back. Decides nothing about what to book.

use super::state::WorkspaceBooks;
use super::write::{MarksPurpose, MarksWrite};
use crate::ledger::block::BookRefusal;
use crate::ledger::effect::{LostWhy, ShardReply};
use crate::ledger::flight::FlightState;
use crate::ledger::mark::Raise;
use crate::ledger::marks::Marks;
use crate::ledger::outbox::Outbox;
use crate::ledger::pending::Pending;
use crate::ledger::store::{Found, ReadOutcome, SwapOutcome, Token};
use crate::ledger::tenure::Tenure;
use crate::ledger::version::Version;
use crate::mutant::{self, Mutant};
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl WorkspaceBooks {
    /// The answer to a write. One to a question that is no longer asked is ignored.
    pub(in crate::ledger) fn swap_done(
        &mut self,
        now: Timestamp,
        token: &Token,
        outcome: SwapOutcome,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) {
        let Some(flight) = self.flight.take_if(|flight| flight.is(token, FlightState::Writing)) else {
            return;
        };
        let Some(write) = flight.write else { return };
        match outcome {
            SwapOutcome::Done(version) => self.written(now, write, version, tenure, outbox),
            SwapOutcome::Conflict => {
                self.read(Some(MarksWrite { is_refused: true, ..write }), tenure, outbox);
            }
            SwapOutcome::Unknown if mutant::active(Mutant::UnknownIsSuccess) => {
                let version = write.expected.map_or(1, |Version(version)| version.saturating_add(1));
                self.written(now, write, Version(version), tenure, outbox);
            }
            SwapOutcome::Unknown => self.unknown(write, tenure, outbox),
            SwapOutcome::Failed => self.unknown(MarksWrite { is_doubtful: true, ..write }, tenure, outbox),
        }
    }

    /// Nobody knows whether the write was done: nothing is granted from it, and the marks are read back.
    fn unknown(&mut self, write: MarksWrite, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        self.set_store_lost(true, outbox);
        self.read(Some(MarksWrite { is_refused: false, ..write }), tenure, outbox);
    }

    /// The answer to a read.
    ///
    /// # Errors
    /// The shard is lost, as the read shows.
    pub(in crate::ledger) fn read_done(
        &mut self,
        now: Timestamp,
        token: &Token,
        outcome: ReadOutcome,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) -> Result<(), LostWhy> {
        let Some(flight) = self.flight.take_if(|flight| flight.is(token, FlightState::Reading)) else {
            return Ok(());
        };
        let ReadOutcome::Found(found) = outcome else {
            self.set_store_lost(true, outbox);
            self.flight = Some(flight.after_failure(now, outbox));
            return Ok(());
        };
        self.set_store_lost(false, outbox);
        let Some(write) = flight.write else {
            self.adopt(now, found.marks, tenure);
            self.pump(now, tenure, outbox);
            return Ok(());
        };
        match &found.marks {
            Some((marks, version)) if marks.nonce == write.new.nonce => {
                self.found(now, write, *version, tenure, outbox);
            }
            _ if write.is_refused => return self.refused(now, write, *found, tenure, outbox),
            _ => self.send(write, tenure, outbox),
        }
        Ok(())
    }

    fn adopt(&mut self, now: Timestamp, marks: Option<(Marks, Version)>, tenure: &Tenure<'_>) {
        let (marks, version) = marks.unzip();
        let marks = marks.unwrap_or_else(|| Marks::first(self.id.clone()));
        self.held = Some((tenure.adopted(marks, now), version));
    }

    /// The write is in the store. If the store failed at it, it is written once more under another nonce: only that makes it durable.
    fn found(
        &mut self,
        now: Timestamp,
        write: MarksWrite,
        version: Version,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) {
        if !write.is_doubtful || mutant::active(Mutant::GrantAfterIoError) {
            return self.written(now, write, version, tenure, outbox);
        }
        let new = Marks { nonce: outbox.nonce(), ..write.new };
        let again =
            MarksWrite { expected: Some(version), new, is_doubtful: false, is_refused: false, ..write };
        self.send(again, tenure, outbox);
    }

    /// The write was refused, and is not in the store: the shard is lost, the marks are others than was thought, or a policy changed.
    fn refused(
        &mut self,
        now: Timestamp,
        write: MarksWrite,
        found: Found,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) -> Result<(), LostWhy> {
        let version = found.claim.as_ref().map(|(_, version)| *version);
        if version != Some(tenure.version) || found.incarnation != tenure.claim.incarnation {
            return Err(LostWhy::claimed(found.claim));
        }
        let are_same = found.marks.as_ref().map(|(_, version)| *version) == write.expected;
        let mut carried = write.carried;
        if are_same {
            for raise in &write.raises {
                if let Some(want) = carried.wanted.get(&raise.key) {
                    self.refuse(want, BookRefusal::PolicyChanged, outbox);
                }
            }
            carried.wanted = BTreeMap::new();
        } else {
            self.adopt(now, found.marks, tenure);
        }
        self.pending.put_back(carried);
        self.pump(now, tenure, outbox);
        Ok(())
    }

    /// The write is durable, exactly once.
    fn written(
        &mut self,
        now: Timestamp,
        write: MarksWrite,
        version: Version,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) {
        self.set_store_lost(false, outbox);
        self.held = Some((write.new, Some(version)));
        match write.purpose {
            MarksPurpose::Book => self.confirm(&write.raises, &write.carried, tenure, outbox),
            MarksPurpose::Return => self.booked.clear(),
        }
        self.pump(now, tenure, outbox);
    }

    /// The raised units are booked by this process; while it serves they may be granted.
    fn confirm(&mut self, raises: &[Raise], carried: &Pending, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        if let Some(statement) = &carried.statement {
            let reply = ShardReply::Stated { life: statement.life, number: statement.number };
            outbox.reply(&self.id, reply);
        }
        for Raise { key, from, to } in raises {
            let Some(want) = carried.wanted.get(key) else { continue };
            let booked = self.booked.entry(key.clone()).or_default();
            booked.permits += to.less(*from);
            booked.end = want.window.end.earliest;
            if tenure.is_serving {
                let (series, window_start) = (want.series, key.window_start);
                outbox.reply(&self.id, ShardReply::Booked { series, window_start, from: *from, to: *to });
            }
        }
    }

    fn set_store_lost(&mut self, is_lost: bool, outbox: &mut Outbox) {
        if std::mem::replace(&mut self.is_store_lost, is_lost) != is_lost {
            outbox.reply(&self.id, ShardReply::StoreLost(is_lost));
        }
    }
}
