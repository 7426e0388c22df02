//! What the store's answers mean for a shard's claim: taken over, handed over, lost, or not known yet.
//!
//! Owns the rule that a claim of unknown outcome serves nothing and is read back.

use super::state::{ShardLedger, Site, Stage};
use super::write::{ClaimPurpose, ClaimWrite};
use crate::ledger::claim::Claim;
use crate::ledger::effect::{HostEffect, LostWhy};
use crate::ledger::flight::FlightState;
use crate::ledger::outbox::Outbox;
use crate::ledger::store::{Found, ReadOutcome, Swap, SwapOutcome, Token};
use crate::ledger::version::Version;
use crate::mutant::{self, Mutant};
use crate::time::Timestamp;

impl ShardLedger {
    /// The answer to a write. One to a question that is no longer asked is ignored. Returns whether the shard was taken over: its
    /// marks are to be read next.
    pub(in crate::ledger) fn swap_done(
        &mut self,
        now: Timestamp,
        token: &Token,
        outcome: SwapOutcome,
        site: &Site,
        outbox: &mut Outbox,
    ) -> bool {
        if let Some(workspace) = &token.workspace {
            if let Some((tenure, books)) = self.parts(&site.horizon)
                && let Some(of_it) = books.get_mut(workspace)
            {
                of_it.swap_done(now, token, outcome, &tenure, outbox);
                self.leave(now, site, outbox);
            }
            return false;
        }
        let Some(flight) = self.flight.take_if(|flight| flight.is(token, FlightState::Writing)) else {
            return false;
        };
        let Some(write) = flight.write else { return false };
        match outcome {
            SwapOutcome::Done(version) => return self.written(write, version, outbox),
            SwapOutcome::Conflict => self.read(Some(ClaimWrite { is_refused: true, ..write }), outbox),
            SwapOutcome::Unknown if mutant::active(Mutant::UnknownIsSuccess) => {
                let version = write.expected.map_or(1, |Version(version)| version.saturating_add(1));
                return self.written(write, Version(version), outbox);
            }
            SwapOutcome::Unknown
                if write.purpose == ClaimPurpose::HandOver
                    && mutant::active(Mutant::GrantAfterUnknownReturn) =>
            {
                self.stage = Stage::Serving;
            }
            SwapOutcome::Unknown => self.read(Some(ClaimWrite { is_refused: false, ..write }), outbox),
            SwapOutcome::Failed => {
                self.read(Some(ClaimWrite { is_doubtful: true, is_refused: false, ..write }), outbox);
            }
        }
        false
    }

    /// The answer to a read. Returns whether the shard was taken over.
    pub(in crate::ledger) fn read_done(
        &mut self,
        now: Timestamp,
        token: &Token,
        outcome: ReadOutcome,
        site: &Site,
        outbox: &mut Outbox,
    ) -> bool {
        if let Some(workspace) = &token.workspace {
            if let Some((tenure, books)) = self.parts(&site.horizon)
                && let Some(of_it) = books.get_mut(workspace)
            {
                match of_it.read_done(now, token, outcome, &tenure, outbox) {
                    Ok(()) => self.leave(now, site, outbox),
                    Err(why) => self.lose(why, outbox),
                }
            }
            return false;
        }
        let Some(flight) = self.flight.take_if(|flight| flight.is(token, FlightState::Reading)) else {
            return false;
        };
        let ReadOutcome::Found(found) = outcome else {
            self.flight = Some(flight.after_failure(now, outbox));
            return false;
        };
        match (flight.write, found.claim) {
            (None, claim) => self.claim_over(now, claim, found.incarnation, site, outbox),
            (Some(write), Some((claim, version))) if claim.nonce == write.new.nonce => {
                return self.found(write, version, outbox);
            }
            (Some(write), claim) if write.is_refused => {
                self.refused(now, write, Found { claim, ..*found }, site, outbox);
            }
            (Some(write), _) => self.send(write, outbox),
        }
        false
    }

    /// The first write of a take-over, over what was read.
    fn claim_over(
        &mut self,
        now: Timestamp,
        current: Option<(Claim, Version)>,
        incarnation: u128,
        site: &Site,
        outbox: &mut Outbox,
    ) {
        let (node, nonce) = (site.node.clone(), outbox.nonce());
        let safe_from = site.horizon.known_from(now);
        let (claim, expected) = current.unzip();
        let new = match claim {
            Some(claim) => claim.take_over(node, nonce, incarnation, safe_from),
            None => Claim::first(node, nonce, incarnation),
        };
        self.send(ClaimWrite::new(ClaimPurpose::TakeOver, expected, new), outbox);
    }

    /// The write is in the store. If the store failed at it, it is written once more under another nonce: only that makes it durable.
    fn found(&mut self, write: ClaimWrite, version: Version, outbox: &mut Outbox) -> bool {
        if !write.is_doubtful || mutant::active(Mutant::GrantAfterIoError) {
            return self.written(write, version, outbox);
        }
        let new = Claim { nonce: outbox.nonce(), ..write.new };
        let (marks, is_doubtful, is_refused) = (Vec::new(), false, false);
        self.send(
            ClaimWrite { expected: Some(version), new, marks, is_doubtful, is_refused, ..write },
            outbox,
        );
        false
    }

    /// The write was refused, and is not in the store.
    fn refused(&mut self, now: Timestamp, write: ClaimWrite, found: Found, site: &Site, outbox: &mut Outbox) {
        let version = found.claim.as_ref().map(|(_, version)| *version);
        let is_ours = version == write.expected && found.incarnation == write.new.incarnation;
        if write.purpose == ClaimPurpose::TakeOver || !is_ours {
            return self.lose(LostWhy::claimed(found.claim), outbox);
        }
        // Marks that go back are others than was thought.
        if let Some((tenure, books)) = self.parts(&site.horizon) {
            for (marks, _) in write.marks {
                if let Some(of_it) = books.get_mut(&marks.workspace) {
                    of_it.reload(&tenure, outbox);
                }
            }
        }
        self.leave(now, site, outbox);
    }

    /// The write is durable, exactly once.
    fn written(&mut self, write: ClaimWrite, version: Version, outbox: &mut Outbox) -> bool {
        let (owner, epoch) = (write.new.owner.clone(), write.new.epoch);
        match write.purpose {
            ClaimPurpose::TakeOver => {
                self.held = Some((write.new, version));
                return true;
            }
            ClaimPurpose::HandOver => {
                if mutant::active(Mutant::GiveBackAfterHandOver) {
                    let (token, puts) = (outbox.token(self.number, None), write.returns(self.number));
                    let swap = Swap { compare: Vec::new(), puts: puts.collect() };
                    outbox.emit(HostEffect::Swap { token, swap });
                }
                self.lose(LostWhy::HandedOver { to: owner, epoch }, outbox);
            }
        }
        false
    }
}
