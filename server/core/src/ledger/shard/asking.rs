//! What goes into a shard from its host, and what it asks the store about its claim.

use super::state::{ShardLedger, Site, Stage};
use super::write::ClaimWrite;
use crate::ids::{NodeId, WorkspaceId};
use crate::ledger::books::WorkspaceBooks;
use crate::ledger::effect::{HostEffect, LostWhy};
use crate::ledger::flight::Flight;
use crate::ledger::input::ShardInput;
use crate::ledger::mark::MarkKey;
use crate::ledger::outbox::Outbox;
use crate::permits::Permits;
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl ShardLedger {
    /// Takes the shard over, whoever owns it: reads the claim, then raises its epoch.
    pub(in crate::ledger) fn take_over(&mut self, outbox: &mut Outbox) {
        if self.stage == Stage::Away {
            self.stage = Stage::Taking;
            self.read(None, outbox);
        }
    }

    /// Gives the shard to `to`. Everything is void here from this call on, whatever the outcome.
    pub(in crate::ledger) fn hand_over(
        &mut self,
        now: Timestamp,
        to: NodeId,
        granted: BTreeMap<MarkKey, Permits>,
        site: &Site,
        outbox: &mut Outbox,
    ) {
        if self.is_serving() {
            self.stage = Stage::Leaving(to, granted);
            self.scan = None;
            self.books.values_mut().for_each(WorkspaceBooks::want_nothing);
            self.leave(now, site, outbox);
        }
    }

    /// Another node claimed the shard: it is lost, where that claim is later than the one here.
    pub(in crate::ledger) fn deposed(&mut self, owner: NodeId, epoch: u64, outbox: &mut Outbox) {
        if self.claim().is_some_and(|claim| claim.epoch < epoch) {
            self.lose(LostWhy::Conflict { owner: Some((owner, epoch)) }, outbox);
        }
    }

    /// Takes in what the allocator of a workspace asks for, while the shard is served.
    pub(in crate::ledger) fn apply(
        &mut self,
        now: Timestamp,
        workspace: &WorkspaceId,
        input: ShardInput,
        site: &Site,
        outbox: &mut Outbox,
    ) {
        if let Some((tenure, books)) = self.parts(&site.horizon) {
            let of_it = books.entry(workspace.clone());
            let of_it = of_it.or_insert_with(|| WorkspaceBooks::new(workspace.clone()));
            of_it.apply(now, input, &tenure, outbox);
        }
    }

    /// Opens a workspace with an allocator of this life.
    pub(in crate::ledger) fn open(
        &mut self,
        now: Timestamp,
        workspace: &WorkspaceId,
        life: u64,
        site: &Site,
        outbox: &mut Outbox,
    ) {
        if let Some((tenure, books)) = self.parts(&site.horizon) {
            let of_it = books.entry(workspace.clone());
            let of_it = of_it.or_insert_with(|| WorkspaceBooks::new(workspace.clone()));
            of_it.open(now, life, &tenure, outbox);
        }
    }

    /// Asks again what a failed read did not show, once its wait is over.
    pub(in crate::ledger) fn retry(&mut self, now: Timestamp, site: &Site, outbox: &mut Outbox) {
        if let Some(flight) = &mut self.flight {
            if flight.is_due(now) {
                let token = outbox.token(self.number, None);
                outbox.emit(HostEffect::Read { token: token.clone() });
                flight.asked_again(token);
            } else if let Some(until) = flight.waits_until() {
                outbox.wake_at(until);
            }
        }
        self.retry_scan(now, outbox);
        if let Some((tenure, books)) = self.parts(&site.horizon) {
            books.values_mut().for_each(|of_it| of_it.advance(now, &tenure, outbox));
        }
    }

    /// Forgets books that hold nothing that the store does not know.
    pub(in crate::ledger) fn sweep(&mut self, now: Timestamp) {
        if self.is_serving() {
            self.books.retain(|_, books| books.are_needed(now));
        }
    }

    pub(super) fn send(&mut self, write: ClaimWrite, outbox: &mut Outbox) {
        let token = outbox.token(self.number, None);
        outbox.emit(HostEffect::Swap { token: token.clone(), swap: write.swap(self.number) });
        self.flight = Some(Flight::writing(token, write));
    }

    pub(super) fn read(&mut self, write: Option<ClaimWrite>, outbox: &mut Outbox) {
        let token = outbox.token(self.number, None);
        outbox.emit(HostEffect::Read { token: token.clone() });
        self.flight = Some(Flight::reading(token, write));
    }
}
