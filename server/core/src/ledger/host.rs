//! The host: every shard of one node, which of them it serves, and the effects that it gives out.
//!
//! The only door to the ledger. Owns the lives of allocators. Does not know who is granted what: it says which units may be granted,
//! and when all are void.

use super::block::BookRefusal;
use super::claim::Claim;
use super::effect::{HostEffect, ShardReply};
use super::horizon::Horizon;
use super::input::ShardInput;
use super::mark::MarkKey;
use super::marks::Marks;
use super::outbox::Outbox;
use super::shard::{ShardLedger, Site};
use super::store::{ReadOutcome, ScanOutcome, SwapOutcome, Token};
use crate::ids::{NodeId, WorkspaceId};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};

/// How often books that hold nothing new are forgotten.
const SWEEP_INTERVAL: Span = Span::from_secs(1);
/// How many bits count the lives of one epoch.
const WITHIN_EPOCH: u32 = 24;

/// The ledger of one node.
#[derive(Clone, Debug)]
pub struct Host {
    site: Site,
    shards: Vec<ShardLedger>,
    outbox: Outbox,
    /// How often workspaces were opened other than by taking their shard over.
    reopened: u64,
    swept_at: Timestamp,
}

impl Host {
    /// A host of `node` that serves none of so many shards. `nonce` is random, another one in each process: writes count up from it.
    pub fn new(node: NodeId, shards: u16, nonce: u128, horizon: Horizon) -> Self {
        Self {
            site: Site { node, horizon },
            shards: (0..shards).map(ShardLedger::new).collect(),
            outbox: Outbox::new(nonce),
            reopened: 0,
            swept_at: Timestamp::ZERO,
        }
    }

    /// The next effect, in the order in which they arose. Poll until there is none after each input.
    pub fn poll(&mut self) -> Option<HostEffect> {
        self.outbox.poll()
    }

    /// Whether there are effects to be polled.
    pub fn has_effects(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The numbers of all shards.
    pub fn shards(&self) -> std::ops::Range<u16> {
        0..u16::try_from(self.shards.len()).unwrap_or(u16::MAX)
    }

    fn shard(&self, number: u16) -> Option<&ShardLedger> {
        self.shards.get(usize::from(number))
    }

    /// Whether the shard is served here, as far as this node knows.
    pub fn is_serving(&self, shard: u16) -> bool {
        self.shard(shard).is_some_and(ShardLedger::is_serving)
    }

    /// The claim as this node last wrote it, while it owns the shard.
    pub fn claim(&self, shard: u16) -> Option<&Claim> {
        self.shard(shard)?.claim()
    }

    /// The marks of a workspace as this node last read or wrote them, where it keeps any.
    pub fn marks(&self, shard: u16, workspace: &WorkspaceId) -> Option<&Marks> {
        self.shard(shard)?.books_of(workspace)?.marks()
    }

    /// What this process booked of a window since it took the shard over.
    pub fn booked(&self, shard: u16, key: &MarkKey) -> Permits {
        let books = self.shard(shard).and_then(|shard| shard.books_of(&key.workspace));
        books.map_or(Permits::ZERO, |books| books.booked(key))
    }

    /// Of how many workspaces something is kept in memory.
    pub fn kept(&self) -> usize {
        self.shards.iter().map(ShardLedger::books_count).sum()
    }

    /// When [`Host::advance`] has something to do, if nothing else comes in.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.outbox.wakes_at()
    }

    /// Takes a shard over, whoever owns it. The outcome is [`HostEffect::Owned`] or [`HostEffect::Lost`].
    pub fn take_over(&mut self, shard: u16) {
        if let Some(of_it) = self.shards.get_mut(usize::from(shard)) {
            of_it.take_over(&mut self.outbox);
        }
    }

    /// Hands a shard over to `to`. `granted` is how many permits of each window this process granted since it took the shard over;
    /// what it booked of them beyond that goes back. Of a window that is not named nothing does. Everything is void here from this
    /// call on, whatever the outcome.
    pub fn hand_over(
        &mut self,
        now: Timestamp,
        shard: u16,
        to: NodeId,
        granted: impl IntoIterator<Item = (MarkKey, Permits)>,
    ) {
        if let Some(of_it) = self.shards.get_mut(usize::from(shard)) {
            of_it.hand_over(now, to, granted.into_iter().collect(), &self.site, &mut self.outbox);
        }
    }

    /// The store says that `owner` claimed a shard in this epoch. Where that is later than the claim here, every write of this node is
    /// refused from now on: [`HostEffect::Lost`] follows at once, also where nothing is written.
    pub fn deposed(&mut self, shard: u16, owner: NodeId, epoch: u64) {
        if let Some(of_it) = self.shards.get_mut(usize::from(shard)) {
            of_it.deposed(owner, epoch, &mut self.outbox);
        }
    }

    /// Takes in what a workspace's allocator or its host asks for. The reply to a wanted block is [`ShardReply::Booked`] or
    /// [`ShardReply::Refused`], unless the shard is lost before.
    pub fn apply(&mut self, now: Timestamp, shard: u16, input: ShardInput) {
        let Some(of_it) = self.shards.get_mut(usize::from(shard)).filter(|of_it| of_it.is_serving()) else {
            if let ShardInput::Want(want) = input {
                let reply = ShardReply::refused(&want, BookRefusal::NotOwner);
                self.outbox.reply(&want.workspace, reply);
            }
            return;
        };
        let workspace = input.workspace().clone();
        of_it.apply(now, &workspace, input, &self.site, &mut self.outbox);
    }

    /// Opens a workspace with a new allocator, where its shard is served here: [`HostEffect::Open`] follows.
    pub fn open(&mut self, now: Timestamp, shard: u16, workspace: &WorkspaceId) {
        self.reopened += 1;
        let life = self.life(shard);
        let of_it = self.shards.get_mut(usize::from(shard)).filter(|of_it| of_it.is_serving());
        if let Some(of_it) = of_it {
            of_it.open(now, workspace, life, &self.site, &mut self.outbox);
        }
    }

    /// The clock has a new anchor: every workspace is opened again. Those of shards that are away now are once they are back, as what
    /// is open then may have been used under the old anchor.
    pub fn reanchor(&mut self) {
        self.reopened += 1;
        for number in self.shards() {
            let life = self.life(number);
            self.shards[usize::from(number)].reanchor(life, &mut self.outbox);
        }
    }

    /// The answer to [`HostEffect::Swap`]. An answer to a question that is no longer asked is ignored.
    pub fn swap_done(&mut self, now: Timestamp, token: &Token, outcome: SwapOutcome) {
        let Some(of_it) = self.shards.get_mut(usize::from(token.shard)) else { return };
        if of_it.swap_done(now, token, outcome, &self.site, &mut self.outbox) {
            self.taken_over(token.shard);
        }
    }

    /// The answer to [`HostEffect::Read`].
    pub fn read_done(&mut self, now: Timestamp, token: &Token, outcome: ReadOutcome) {
        let Some(of_it) = self.shards.get_mut(usize::from(token.shard)) else { return };
        if of_it.read_done(now, token, outcome, &self.site, &mut self.outbox) {
            self.taken_over(token.shard);
        }
    }

    /// The answer to [`HostEffect::Scan`].
    pub fn scan_done(&mut self, now: Timestamp, token: &Token, outcome: ScanOutcome) {
        if let Some(of_it) = self.shards.get_mut(usize::from(token.shard)) {
            of_it.scan_done(now, token, outcome, &self.site, &mut self.outbox);
        }
    }

    /// Lets time pass: asks again what failed, and forgets what is long over.
    pub fn advance(&mut self, now: Timestamp) {
        if self.outbox.wakes(now) {
            self.shards.iter_mut().for_each(|of_it| of_it.retry(now, &self.site, &mut self.outbox));
        }
        let since = now.since(self.swept_at).max(self.swept_at.since(now));
        if since >= SWEEP_INTERVAL {
            self.swept_at = now;
            self.shards.iter_mut().for_each(|of_it| of_it.sweep(now));
        }
    }

    /// The claim is durable: the marks are read.
    fn taken_over(&mut self, shard: u16) {
        let life = self.life(shard);
        self.shards[usize::from(shard)].scan(life, &mut self.outbox);
    }

    /// The life of allocators that begin now: unlike any other one of the shard, as its epoch rises with each process that serves it.
    fn life(&self, shard: u16) -> u64 {
        let epoch = self.claim(shard).map_or(0, |claim| claim.epoch);
        (epoch << WITHIN_EPOCH) | (self.reopened & ((1 << WITHIN_EPOCH) - 1))
    }
}
