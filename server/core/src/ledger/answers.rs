//! What the store's answers mean for a shard: taken over, booked, handed over, lost, or not known yet.
//!
//! Owns the rule that an unknown outcome grants nothing and is read back. Decides nothing about what to book.

use super::block::BookRefusal;
use super::effect::{LostWhy, ShardEffect, ShardReply};
use super::flight::{Flight, FlightState, Purpose, RecordWrite};
use super::mark::Raise;
use super::pending::Pending;
use super::record::ShardRecord;
use super::shard::{Shard, Stage};
use super::store::{CasOutcome, Guard, ReadOutcome, Token};
use super::version::Version;
use crate::mutant::{self, Mutant};
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl Shard {
    /// The answer to [`ShardEffect::Cas`]. An answer to a question that is no longer asked is ignored.
    pub fn cas_done(&mut self, now: Timestamp, token: Token, outcome: CasOutcome) {
        let Some(flight) = self.flight.take_if(|flight| flight.is(token, FlightState::Writing)) else {
            return;
        };
        let Some(write) = flight.write else { return };
        match outcome {
            CasOutcome::Ok(version) => self.written(now, write, version),
            CasOutcome::Conflict(current) => self.conflict(now, write, current),
            CasOutcome::Unknown => self.unknown(now, write),
            CasOutcome::Failed => self.unknown(now, RecordWrite { is_doubtful: true, ..write }),
        }
    }

    /// The answer to [`ShardEffect::Read`].
    pub fn read_done(&mut self, now: Timestamp, token: Token, outcome: ReadOutcome) {
        let Some(flight) = self.flight.take_if(|flight| flight.is(token, FlightState::Reading)) else {
            return;
        };
        let (current, incarnation) = match outcome {
            ReadOutcome::Failed => {
                self.store_lost();
                self.flight = Some(flight.after_failure(now));
                return;
            }
            ReadOutcome::Found { record, version, incarnation } => (Some((record, version)), incarnation),
            ReadOutcome::Absent { incarnation } => (None, incarnation),
        };
        self.store_back();
        match (flight.write, current) {
            (None, current) => self.claim(now, current, incarnation),
            (Some(write), Some((record, version))) if record.nonce == write.new.nonce => {
                self.found(now, write, version);
            }
            (Some(write), _) => self.send(write),
        }
    }

    /// The write is in the store. If the store failed at it, it is written once more under another nonce: only that makes it durable.
    fn found(&mut self, now: Timestamp, write: RecordWrite, version: Version) {
        if !write.is_doubtful || mutant::active(Mutant::GrantAfterIoError) {
            return self.written(now, write, version);
        }
        let new = ShardRecord { nonce: self.fresh_nonce(), ..write.new };
        self.send(RecordWrite { expected: Some(version), new, is_doubtful: false, ..write });
    }

    /// The first write of a take-over, over what was read.
    fn claim(&mut self, now: Timestamp, current: Option<(ShardRecord, Version)>, incarnation: u128) {
        self.incarnation = incarnation;
        let (nonce, node) = (self.fresh_nonce(), self.node.clone());
        let (new, expected) = match current {
            Some((record, version)) => {
                let known_from = self.horizon.known_from(now);
                let mut new = record.take_over(node, nonce, incarnation, known_from);
                new.clean_up_all(now);
                (new, Some(version))
            }
            None => (ShardRecord::first(node, nonce, incarnation), None),
        };
        let guards = vec![Guard::Incarnation(incarnation)];
        self.send(RecordWrite::new(Purpose::TakeOver, expected, new, guards));
    }

    /// The write is durable, exactly once.
    fn written(&mut self, now: Timestamp, write: RecordWrite, version: Version) {
        self.store_back();
        self.held = Some((write.new, version));
        match write.purpose {
            Purpose::TakeOver => {
                self.stage = Stage::Serving;
                self.booked.clear();
                let epoch = self.record().map_or(0, |record| record.epoch);
                self.emit(ShardEffect::Owned { epoch });
            }
            Purpose::Book => self.confirm(&write.raises, &write.carried),
            Purpose::HandOver => self.lose(LostWhy::HandedOver),
        }
        self.pump(now);
    }

    /// The raised units are booked by this process; while it serves they may be granted.
    fn confirm(&mut self, raises: &[Raise], carried: &Pending) {
        for (workspace, statement) in &carried.statements {
            let reply = ShardReply::Stated { life: statement.life, number: statement.number };
            self.emit(ShardEffect::Reply { workspace: workspace.clone(), reply });
        }
        for Raise { key, from, to } in raises {
            let Some(want) = carried.wanted.get(key) else { continue };
            let booked = self.booked.entry(key.clone()).or_default();
            booked.permits += to.less(*from);
            booked.end = want.window.end.earliest;
            if self.stage == Stage::Serving {
                let (series, window_start) = (want.series, key.window_start);
                let reply = ShardReply::Booked { series, window_start, from: *from, to: *to };
                self.emit(ShardEffect::Reply { workspace: key.workspace.clone(), reply });
            }
        }
    }

    /// The write was not done, unless the current record is that very write.
    fn conflict(&mut self, now: Timestamp, write: RecordWrite, current: Option<(ShardRecord, Version)>) {
        self.store_back();
        match current {
            Some((record, version)) if record.nonce == write.new.nonce => self.found(now, write, version),
            current if current.as_ref().map(|(_, version)| *version) == write.expected => {
                self.guard_failed(now, write);
            }
            _ => self.lose(LostWhy::Conflict),
        }
    }

    /// The record is as expected, but a policy or the store's history is not.
    fn guard_failed(&mut self, now: Timestamp, write: RecordWrite) {
        if write.purpose != Purpose::Book {
            return self.lose(LostWhy::Conflict);
        }
        for raise in &write.raises {
            if let Some(want) = write.carried.wanted.get(&raise.key) {
                self.refuse(raise.key.clone(), want, BookRefusal::PolicyChanged);
            }
        }
        self.pending.put_back(Pending { wanted: BTreeMap::new(), ..write.carried });
        self.pump(now);
    }

    /// Nobody knows whether the write was done: nothing is granted from it, and the record is read back.
    fn unknown(&mut self, now: Timestamp, write: RecordWrite) {
        if mutant::active(Mutant::UnknownIsSuccess) {
            let version = Version(write.expected.map_or(1, |Version(version)| version.saturating_add(1)));
            return self.written(now, write, version);
        }
        if write.purpose == Purpose::HandOver && mutant::active(Mutant::GrantAfterUnknownReturn) {
            self.stage = Stage::Serving;
            return self.pump(now);
        }
        self.store_lost();
        self.flight = Some(Flight { write: Some(write), ..Flight::default() });
        self.read();
    }
}
