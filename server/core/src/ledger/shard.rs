//! One shard on one node: what it holds, and the effects that it gives out.
//!
//! Owns the state that `writing`, `inputs` and `answers` share. Does not know who is granted what: it says which units may be
//! granted, and when all are void.

use super::block::{BookRefusal, WantedBlock};
use super::effect::{LostWhy, ShardEffect, ShardReply};
use super::flight::Flight;
use super::horizon::Horizon;
use super::mark::MarkKey;
use super::pending::Pending;
use super::record::ShardRecord;
use super::store::Token;
use super::version::Version;
use crate::ids::NodeId;
use crate::permits::Permits;
use crate::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// What this shard is to its node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Served by another node, or by none.
    Away,
    /// Being taken over.
    Taking,
    /// Served here.
    Serving,
    /// To be given to a node, with what was granted of each window.
    Leaving(NodeId, BTreeMap<MarkKey, Permits>),
}

/// What this process booked of one window since it took the shard over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Booked {
    pub(super) end: Timestamp,
    pub(super) permits: Permits,
    /// The provider said that the window is exhausted: nothing of it is given back.
    pub(super) exhausted: bool,
}

/// The ledger of one shard on one node.
#[derive(Clone, Debug)]
pub struct Shard {
    pub(super) node: NodeId,
    nonce: u128,
    pub(super) horizon: Horizon,
    pub(super) incarnation: u128,
    pub(super) stage: Stage,
    pub(super) held: Option<(ShardRecord, Version)>,
    pub(super) pending: Pending,
    pub(super) booked: BTreeMap<MarkKey, Booked>,
    pub(super) flight: Option<Flight>,
    next_token: u64,
    pub(super) store_lost: bool,
    effects: VecDeque<ShardEffect>,
}

impl Shard {
    /// A shard that `node` does not serve yet. `nonce` is random, another one in each process: writes count up from it.
    pub fn new(node: NodeId, nonce: u128, horizon: Horizon) -> Self {
        Self {
            node,
            nonce,
            horizon,
            incarnation: 0,
            stage: Stage::Away,
            held: None,
            pending: Pending::default(),
            booked: BTreeMap::new(),
            flight: None,
            next_token: 0,
            store_lost: false,
            effects: VecDeque::new(),
        }
    }

    /// The next effect, in the order in which they arose. Poll until there is none after each input.
    pub fn poll(&mut self) -> Option<ShardEffect> {
        self.effects.pop_front()
    }

    /// Whether the shard is served here, as far as this node knows.
    pub fn is_serving(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// Whether the store has stopped answering.
    pub fn is_store_lost(&self) -> bool {
        self.store_lost
    }

    /// The record as this node last wrote it, while it owns the shard.
    pub fn record(&self) -> Option<&ShardRecord> {
        self.held.as_ref().map(|(record, _)| record)
    }

    /// The start of the last window in the record that a right clock would not have booked yet, if there is one.
    pub fn booked_too_far_ahead(&self, now: Timestamp) -> Option<Timestamp> {
        self.record()?.booked_too_far_ahead(now, &self.horizon)
    }

    /// When [`Shard::advance`] has something to do, if nothing else comes in.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.flight.as_ref().and_then(Flight::next_deadline)
    }

    /// What this process booked of a window since it took the shard over.
    pub fn booked(&self, key: &MarkKey) -> Permits {
        self.booked.get(key).map_or(Permits::ZERO, |booked| booked.permits)
    }

    /// Makes every block void, and everything that is pending.
    pub(super) fn lose(&mut self, why: LostWhy) {
        self.flight = None;
        self.pending = Pending::default();
        self.stage = Stage::Away;
        self.held = None;
        self.booked.clear();
        self.emit(ShardEffect::Lost { why });
    }

    pub(super) fn emit(&mut self, effect: ShardEffect) {
        self.effects.push_back(effect);
    }

    pub(super) fn refuse(&mut self, key: MarkKey, want: &WantedBlock, why: BookRefusal) {
        let MarkKey { workspace, window_start, .. } = key;
        let reply = ShardReply::Refused { series: want.series, window_start, why };
        self.emit(ShardEffect::Reply { workspace, reply });
    }

    pub(super) fn store_lost(&mut self) {
        if !std::mem::replace(&mut self.store_lost, true) {
            self.emit(ShardEffect::StoreLost);
        }
    }

    pub(super) fn store_back(&mut self) {
        if std::mem::replace(&mut self.store_lost, false) {
            self.emit(ShardEffect::StoreBack);
        }
    }

    pub(super) fn fresh_token(&mut self) -> Token {
        self.next_token = self.next_token.wrapping_add(1);
        Token(self.next_token)
    }

    pub(super) fn fresh_nonce(&mut self) -> u128 {
        self.nonce = self.nonce.wrapping_add(1);
        self.nonce
    }
}
