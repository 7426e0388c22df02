//! What a host has to say, in order, and the numbers that tell its questions and writes apart.

use super::effect::{HostEffect, ShardReply};
use super::retry::is_due;
use super::store::Token;
use crate::ids::WorkspaceId;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Effects that were not polled yet.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    effects: VecDeque<HostEffect>,
    /// The nonce of the last write.
    nonce: u128,
    /// The number of the last question.
    number: u64,
    /// No question is asked again before this, unless the clock steps back.
    wakes_at: Option<Timestamp>,
}

impl Outbox {
    /// An empty one, whose nonces count up from `nonce`.
    pub(super) fn new(nonce: u128) -> Self {
        Self { effects: VecDeque::new(), nonce, number: 0, wakes_at: None }
    }

    pub(super) fn emit(&mut self, effect: HostEffect) {
        self.effects.push_back(effect);
    }

    pub(super) fn reply(&mut self, workspace: &WorkspaceId, reply: ShardReply) {
        self.emit(HostEffect::Reply { workspace: workspace.clone(), reply });
    }

    pub(super) fn poll(&mut self) -> Option<HostEffect> {
        self.effects.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// A question that was not asked before.
    pub(super) fn token(&mut self, shard: u16, workspace: Option<&WorkspaceId>) -> Token {
        self.number = self.number.wrapping_add(1);
        Token { shard, workspace: workspace.cloned(), number: self.number }
    }

    /// A nonce that no other write has.
    pub(super) fn nonce(&mut self) -> u128 {
        self.nonce = self.nonce.wrapping_add(1);
        self.nonce
    }

    /// A question is to be asked again at this instant.
    pub(super) fn wake_at(&mut self, at: Timestamp) {
        self.wakes_at = Some(self.wakes_at.map_or(at, |known| known.min(at)));
    }

    /// When a question may have to be asked again.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        self.wakes_at
    }

    /// Whether a question may have to be asked again now. Whatever still waits then says so again.
    pub(super) fn wakes(&mut self, now: Timestamp) -> bool {
        self.wakes_at.take_if(|at| is_due(*at, now)).is_some()
    }
}
