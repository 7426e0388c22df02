//! Which shards a node claims and which it hands over, given what it sees. Pure: time is an argument, orders are returned.

use super::orders::Orders;
use super::pace::{CLAIM_RETRY, DRAIN_MOVES, JITTER, MOVE_INTERVAL, MOVES, Ms, RANK_DELAY, SETTLED};
use super::record::{NodeRecord, ShardOwner};
use super::view::ShardPlace;
use apportion_core::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// What a node is to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Take the shard over.
    Claim(u16),
    /// Give the shard to a node.
    HandOver(u16, NodeId),
}

/// What this process does with a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Served {
    /// Nothing.
    #[default]
    Not,
    /// It is being taken over.
    Claiming,
    /// It is granted from, since the claim of this epoch.
    Owned(u64),
    /// It is being handed over.
    Leaving,
}

/// Why a node is suspected to be dead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Suspicion {
    /// Its machine refuses connections to it.
    Refused,
    /// It does not answer.
    Silent,
}

/// What one node sees of the cluster.
#[derive(Debug)]
pub(super) struct Campaign {
    me: NodeId,
    nodes: BTreeMap<NodeId, (Ms, NodeRecord)>,
    suspected: BTreeMap<NodeId, Suspicion>,
    shards: Vec<ShardView>,
    /// Shards that are kept at a node.
    pins: BTreeMap<u16, NodeId>,
    /// For each shard, the nodes that may have it; made anew where it is `None`.
    orders: Option<Orders>,
    random: u64,
}

#[derive(Clone, Debug, Default)]
struct ShardView {
    owner: Option<ShardOwner>,
    served: Served,
    /// Since when nobody serves it, and how much longer than its rank says this node waits.
    vacant: Option<(Ms, Ms)>,
    claimed_at: Option<Ms>,
    moved_at: Option<Ms>,
}

impl ShardView {
    /// Whether it is granted from here, and nobody has claimed it since.
    fn is_owned_here(&self) -> bool {
        matches!(self.served, Served::Owned(epoch) if self.owner.as_ref().is_none_or(|owner| owner.epoch <= epoch))
    }
}

impl Campaign {
    pub(super) fn new(me: NodeId, shards: u16, seed: u64) -> Self {
        let shards = vec![ShardView::default(); usize::from(shards)];
        let (nodes, suspected, pins) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { me, nodes, suspected, shards, pins, orders: None, random: seed | 1 }
    }

    /// A node is there, or says something else of itself. Returns whether its process is one that was not known.
    pub(super) fn node(&mut self, now: Ms, node: NodeId, record: NodeRecord) -> bool {
        let known = self.nodes.get(&node).filter(|(_, known)| known.boot == record.boot);
        // Shards may move to it once it has been able to take them for a while.
        let since = known.filter(|(_, known)| known.is_eligible()).map_or(now, |(since, _)| *since);
        let is_new = known.is_none();
        self.nodes.insert(node, (since, record));
        self.orders = None;
        is_new
    }

    /// A node is gone.
    pub(super) fn node_gone(&mut self, node: &NodeId) {
        self.nodes.remove(node);
        self.suspected.remove(node);
        self.orders = None;
    }

    /// This node cannot reach another one, or can again.
    pub(super) fn suspect(&mut self, node: &NodeId, why: Option<Suspicion>) {
        let before = match why {
            Some(why) => self.suspected.insert(node.clone(), why),
            None => self.suspected.remove(node),
        };
        if before != why {
            self.orders = None;
        }
    }

    /// The store says who owns a shard.
    pub(super) fn owner(&mut self, now: Ms, shard: u16, owner: Option<ShardOwner>) {
        let Some(view) = self.shards.get_mut(usize::from(shard)) else { return };
        if view.owner.as_ref().map(|owner| &owner.node) != owner.as_ref().map(|owner| &owner.node) {
            view.moved_at = Some(now);
            view.claimed_at = None;
        }
        view.owner = owner;
    }

    /// A shard is kept at a node, while that node can have it; or it is not any more.
    pub(super) fn pin(&mut self, shard: u16, node: Option<NodeId>) {
        match node {
            Some(node) => self.pins.insert(shard, node),
            None => self.pins.remove(&shard),
        };
        self.orders = None;
    }

    /// This process does something else with a shard.
    pub(super) fn served(&mut self, shard: u16, served: Served) {
        if let Some(view) = self.shards.get_mut(usize::from(shard)) {
            view.served = served;
        }
    }

    /// The nodes that are there.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&NodeId, &NodeRecord)> {
        self.nodes.iter().map(|(node, (_, record))| (node, record))
    }

    /// The nodes that this one cannot reach.
    pub(super) fn suspects(&self) -> Vec<String> {
        self.suspected.keys().map(|node| node.as_str().to_owned()).collect()
    }

    /// Where each shard is, and where it belongs.
    pub(super) fn places(&self) -> Vec<ShardPlace> {
        let orders = self.orders();
        let place = |(shard, view): (usize, &ShardView)| {
            let owner = view.owner.as_ref().map(|owner| &owner.node);
            let owner = owner.filter(|owner| self.nodes.contains_key(*owner));
            let stays = owner.filter(|owner| orders.are_spare && orders.of(shard).contains(owner));
            let assigned = stays.or(orders.of(shard).first()).cloned();
            ShardPlace { owner: owner.cloned(), assigned }
        };
        self.shards.iter().enumerate().map(place).collect()
    }

    /// How many shards are served here or about to be.
    pub(super) fn serving(&self) -> usize {
        self.shards.iter().filter(|view| matches!(view.served, Served::Owned(_) | Served::Leaving)).count()
    }

    /// Whether another node could take what is served here.
    pub(super) fn has_heirs(&self) -> bool {
        let may_have = |(node, (_, record)): (&NodeId, &(Ms, NodeRecord))| {
            *node != self.me && record.is_spare() && !self.is_dead(node)
        };
        self.nodes.iter().any(may_have)
    }

    /// What to do now. Orders are made once; what becomes of them comes back as [`served`](Self::served) and [`owner`](Self::owner).
    pub(super) fn advance(&mut self, now: Ms) -> Vec<Order> {
        let Some((_, mine)) = self.nodes.get(&self.me) else { return Vec::new() };
        let mine = mine.clone();
        let orders = self.orders.take().unwrap_or_else(|| self.orders());
        let dead: BTreeSet<NodeId> = self.nodes.keys().filter(|node| self.is_dead(node)).cloned().collect();
        let mut made = Vec::new();
        for shard in 0..self.shards.len() {
            let number = u16::try_from(shard).unwrap_or(u16::MAX);
            if self.should_claim(now, shard, orders.of(shard), &dead, &mine) {
                self.shards[shard].claimed_at = Some(now);
                self.shards[shard].served = Served::Claiming;
                made.push(Order::Claim(number));
            }
        }
        self.hand_over(now, &orders, &mine, &mut made);
        self.orders = Some(orders);
        made
    }

    fn should_claim(
        &mut self,
        now: Ms,
        shard: usize,
        order: &[NodeId],
        dead: &BTreeSet<NodeId>,
        mine: &NodeRecord,
    ) -> bool {
        let jitter = self.draw(JITTER + 1);
        let view = &mut self.shards[shard];
        let is_served_here = view.served == Served::Leaving || view.is_owned_here();
        let is_asked_for = view.claimed_at.is_some_and(|at| now < at + CLAIM_RETRY);
        let is_mine = view.owner.as_ref().is_some_and(|owner| owner.node == self.me);
        let is_vacant = match &view.owner {
            None => true,
            Some(owner) => !self.nodes.contains_key(&owner.node) || dead.contains(&owner.node),
        };
        if !is_vacant {
            view.vacant = None;
        }
        if mine.clock_is_wrong || is_served_here || is_asked_for {
            return false;
        }
        // It was handed to this node, or belonged to this node's former process.
        if is_mine {
            return true;
        }
        let Some(rank) = order.iter().position(|node| *node == self.me).filter(|_| is_vacant) else {
            return false;
        };
        let (since, longer) = *view.vacant.get_or_insert((now, jitter));
        let rank = Ms::try_from(rank).unwrap_or(Ms::MAX);
        let delay = if rank == 0 { 0 } else { rank.saturating_mul(RANK_DELAY) + longer };
        now >= since.saturating_add(delay)
    }

    /// Hands over what other nodes are preferred for, a few shards at a time. Where all nodes drain, each keeps what it has.
    fn hand_over(&mut self, now: Ms, orders: &Orders, mine: &NodeRecord, made: &mut Vec<Order>) {
        if orders.are_spare && mine.is_spare() {
            return;
        }
        let is_leaving = !mine.is_eligible();
        let most = if is_leaving { DRAIN_MOVES } else { MOVES };
        let mut under_way = self.shards.iter().filter(|view| view.served == Served::Leaving).count();
        for shard in 0..self.shards.len() {
            let Some(preferred) = orders.of(shard).first().filter(|node| **node != self.me) else { continue };
            let view = &mut self.shards[shard];
            let settled = self.nodes.get(preferred).is_some_and(|(since, _)| now >= since + SETTLED);
            let rested = view.moved_at.is_none_or(|at| now >= at + MOVE_INTERVAL);
            let is_mine = view.owner.as_ref().is_none_or(|owner| owner.node == self.me);
            if under_way >= most || !view.is_owned_here() || !is_mine {
                continue;
            }
            if is_leaving || (settled && rested && !self.suspected.contains_key(preferred)) {
                view.served = Served::Leaving;
                view.moved_at = Some(now);
                // Until the store reports the new owner, this node still seems to be the one.
                view.claimed_at = Some(now);
                under_way += 1;
                made.push(Order::HandOver(u16::try_from(shard).unwrap_or(u16::MAX), preferred.clone()));
            }
        }
    }

    fn orders(&self) -> Orders {
        Orders::new(self.shards.len(), self.nodes().filter(|(node, _)| !self.is_dead(node)), &self.pins)
    }

    /// Whether a node is taken for dead: this node and one more cannot reach it. Where there is no third node, its machine must say so.
    fn is_dead(&self, node: &NodeId) -> bool {
        let Some(why) = self.suspected.get(node).filter(|_| *node != self.me) else { return false };
        let mut others =
            self.nodes.iter().filter(|(other, _)| **other != self.me && *other != node).peekable();
        if others.peek().is_none() {
            return *why == Suspicion::Refused;
        }
        others.any(|(_, (_, record))| record.has_suspect(node))
    }

    /// A number below `below`, by xorshift.
    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }
}
