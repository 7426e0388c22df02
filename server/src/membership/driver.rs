//! Carries a campaign out: passes on what the store, the probes and the engine report, and gives the orders. Decides nothing.

use super::campaign::{Campaign, Order, Served};
use super::claims;
use super::pace::Ms;
use super::placement::Placement;
use super::probe::{Probe, ProbeFinding};
use super::record::{NODES, NodeRecord, ShardOwner};
use super::shards::ShardServer;
use super::table::OwnerTable;
use super::view::ClusterView;
use super::wall::WallCheck;
use crate::clock::Clock;
use crate::store::Entry;
use crate::store::etcd::{Follow, Followed, SeenKeys, Session};
use apportion_core::ids::NodeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How long a watch may be silent before what it reported is not trusted any more.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How often the campaign is asked where nothing happens.
const TICK: Duration = Duration::from_millis(50);
/// How often a node writes what its clock shows.
const WALL_INTERVAL: Duration = Duration::from_secs(2);

/// What one node's part in the cluster is made of.
pub(super) struct Campaigner {
    pub(super) me: NodeId,
    pub(super) campaign: Campaign,
    /// What permits are granted by.
    pub(super) clock: Arc<Clock>,
    pub(super) wall: WallCheck,
    pub(super) server: Arc<dyn ShardServer>,
    pub(super) nodes: Follow,
    pub(super) shards: Follow,
    /// What administrators want of the placement of shards, and where that is followed.
    pub(super) placement: (Placement, Follow),
    pub(super) session: Arc<Session>,
    /// What this node says of itself.
    pub(super) record: Arc<Mutex<NodeRecord>>,
    pub(super) table: Arc<OwnerTable>,
    pub(super) owners: BTreeMap<u16, ShardOwner>,
    pub(super) probes: BTreeMap<NodeId, Probe>,
    pub(super) findings: (mpsc::UnboundedSender<ProbeFinding>, mpsc::UnboundedReceiver<ProbeFinding>),
    /// Whether this node is about to stop.
    pub(super) stops: watch::Receiver<bool>,
    /// Who wants to see the cluster.
    pub(super) viewers: mpsc::Receiver<oneshot::Sender<ClusterView>>,
    /// How many shards are served here that other nodes could take.
    pub(super) serving: watch::Sender<usize>,
    pub(super) has_listed: (bool, bool, bool),
    pub(super) started: Instant,
    pub(super) wall_written: Instant,
    /// Another node has joined, and waits for what this one's clock shows.
    pub(super) is_asked: bool,
}

impl Campaigner {
    /// Goes on until the store is dropped.
    pub(super) async fn run(mut self) {
        let mut changed = self.server.changed();
        loop {
            tokio::select! {
                seen = self.nodes.next() => match seen {
                    Some(seen) => self.nodes_seen(seen),
                    None => return,
                },
                seen = self.shards.next() => match seen {
                    Some(seen) => self.shards_seen(seen),
                    None => return,
                },
                seen = self.placement.1.next() => match seen {
                    Some(seen) => self.placement_seen(seen),
                    None => return,
                },
                Some(viewer) = self.viewers.recv() => drop(viewer.send(self.view())),
                Some((node, why)) = self.findings.1.recv() => self.campaign.suspect(&node, why),
                Ok(()) = changed.changed() => {}
                () = tokio::time::sleep(TICK) => {}
            }
            self.decide();
        }
    }

    fn now(&self) -> Ms {
        Ms::try_from(self.started.elapsed().as_millis()).unwrap_or(Ms::MAX)
    }

    fn nodes_seen(&mut self, seen: SeenKeys) {
        match seen {
            SeenKeys::Listed(entries, _) => {
                let there: Vec<_> = entries.iter().filter_map(|entry| node_of(&entry.key)).collect();
                let known: Vec<_> = self.campaign.nodes().map(|(node, _)| node.clone()).collect();
                known.iter().filter(|node| !there.contains(node)).for_each(|node| self.node_gone(node));
                entries.iter().for_each(|entry| drop(self.node_put(entry)));
                self.has_listed.0 = true;
            }
            SeenKeys::Changed(changes) => {
                for change in changes {
                    match change {
                        Followed::Put(entry) => {
                            if let Some((node, wall)) =
                                self.node_put(&entry).filter(|(node, _)| *node != self.me)
                            {
                                self.wall.arrived(&node, wall, wall_ms(&self.clock));
                            }
                        }
                        Followed::Deleted(key, _) => {
                            node_of(&key).iter().for_each(|node| self.node_gone(node));
                        }
                    }
                }
            }
        }
    }

    /// Returns the node, and what its clock showed.
    fn node_put(&mut self, entry: &Entry) -> Option<(NodeId, i64)> {
        let (node, record) = (node_of(&entry.key)?, NodeRecord::decode(&entry.value)?);
        let wall = record.wall_ms;
        if node != self.me && self.probes.get(&node).is_none_or(|probe| probe.address != record.peer_address)
        {
            let probe = Probe::start(node.clone(), record.peer_address.clone(), self.findings.0.clone());
            self.probes.insert(node.clone(), probe);
        }
        let is_new = self.campaign.node(self.now(), node.clone(), record);
        self.is_asked |= is_new && node != self.me;
        Some((node, wall))
    }

    fn node_gone(&mut self, node: &NodeId) {
        self.campaign.node_gone(node);
        self.wall.forget(node);
        self.probes.remove(node);
    }

    fn shards_seen(&mut self, seen: SeenKeys) {
        match seen {
            SeenKeys::Listed(entries, _) => {
                let there: Vec<_> = entries.iter().filter_map(|entry| claims::shard_of(&entry.key)).collect();
                for shard in (0..self.server.count()).filter(|shard| !there.contains(shard)) {
                    self.owner(shard, None);
                }
                entries.iter().for_each(|entry| self.shard_put(entry));
                self.has_listed.1 = true;
            }
            SeenKeys::Changed(changes) => {
                for change in changes {
                    match change {
                        Followed::Put(entry) => self.shard_put(&entry),
                        Followed::Deleted(key, _) => {
                            claims::shard_of(&key).into_iter().for_each(|shard| self.owner(shard, None));
                        }
                    }
                }
            }
        }
    }

    fn shard_put(&mut self, entry: &Entry) {
        if let Some(shard) = claims::shard_of(&entry.key) {
            self.owner(shard, claims::owner(entry));
        }
    }

    fn placement_seen(&mut self, seen: SeenKeys) {
        let (placement, _) = &mut self.placement;
        let before: Vec<u16> = placement.pins.keys().copied().collect();
        placement.see(seen);
        for shard in before.into_iter().filter(|shard| !placement.pins.contains_key(shard)) {
            self.campaign.pin(shard, None);
        }
        for (&shard, pin) in &placement.pins {
            self.campaign.pin(shard, Some(pin.node.clone()));
        }
        self.has_listed.2 = true;
    }

    fn owner(&mut self, shard: u16, owner: Option<ShardOwner>) {
        match &owner {
            Some(owner) => self.owners.insert(shard, owner.clone()),
            None => self.owners.remove(&shard),
        };
        self.campaign.owner(self.now(), shard, owner);
    }

    fn decide(&mut self) {
        for shard in 0..self.server.count() {
            let served = self.server.served(shard);
            self.depose(shard, served);
            self.campaign.served(shard, served);
        }
        let is_seen = self.silence() < SILENCE_MAX;
        let is_confirmed = self.has_listed == (true, true, true) && is_seen && self.session.is_valid();
        self.table.set_confirmed(is_confirmed);
        if is_confirmed {
            for order in self.campaign.advance(self.now()) {
                tracing::debug!(?order, "a shard moves");
                match order {
                    Order::Claim(shard) => self.server.claim(shard),
                    Order::HandOver(shard, to) => self.server.hand_over(shard, to),
                }
            }
        }
        self.publish();
        self.route();
    }

    /// For how long it has been unknown whether anything changed in the store.
    fn silence(&self) -> Duration {
        [&self.nodes, &self.shards, &self.placement.1]
            .map(Follow::silence)
            .into_iter()
            .max()
            .unwrap_or_default()
    }

    fn view(&self) -> ClusterView {
        let Placement { drained, pins } = self.placement.0.clone();
        ClusterView {
            seen_by: self.me.clone(),
            silence: self.silence(),
            nodes: self.campaign.nodes().map(|(node, record)| (node.clone(), record.clone())).collect(),
            drained,
            shards: self.campaign.places(),
            pins,
        }
    }

    /// Tells the engine where another node has a later claim: one that books nothing would not notice.
    fn depose(&self, shard: u16, served: Served) {
        let Some(owner) = self.owners.get(&shard).filter(|owner| owner.node != self.me) else { return };
        if matches!(served, Served::Owned(epoch) if epoch < owner.epoch) {
            self.server.deposed(shard, owner.node.clone(), owner.epoch);
        }
    }

    /// Says of this node what others need to know.
    fn publish(&mut self) {
        if !self.clock.is_steady() {
            self.wall.stepped();
        }
        let others = self.campaign.nodes().filter(|(node, _)| **node != self.me).count();
        // Who else is there is not known before the first list.
        let is_wrong = !self.has_listed.0 || !self.clock.is_steady() || !self.wall.is_right(others);
        let off = self.wall.off_ms();
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let stopping = *self.stops.borrow();
        let new = NodeRecord {
            draining: stopping || self.placement.0.drained.contains(&self.me),
            stopping,
            clock_is_wrong: is_wrong,
            suspects: self.campaign.suspects(),
            ..record.clone()
        };
        if is_wrong != record.clock_is_wrong {
            match self.wall.is_wrong() {
                true => tracing::warn!(off_ms = off, "this node's clock is not that of the others"),
                false => {
                    tracing::info!(is_right = !is_wrong, "this node's clock against those of the others")
                }
            }
        }
        let is_due = self.wall_written.elapsed() >= WALL_INTERVAL || std::mem::take(&mut self.is_asked);
        if *record != new || is_due {
            let store_us = u64::try_from(self.session.write_time().as_micros()).unwrap_or(u64::MAX);
            *record = NodeRecord { clock_off_ms: off, store_us, ..new };
            self.wall_written = Instant::now();
            self.session.rewrite();
        }
    }

    fn route(&self) {
        let records: BTreeMap<&NodeId, &NodeRecord> = self.campaign.nodes().collect();
        let record = |node: &NodeId| records.get(node).map(|record| (*record).clone());
        let shards = 0..self.server.count();
        let route = |shard| self.table.route_of(self.owners.get(&shard), self.server.served(shard), record);
        self.table.set(shards.map(route).collect());
        let serving = if self.campaign.has_heirs() { self.campaign.serving() } else { 0 };
        self.serving.send_if_modified(|known| std::mem::replace(known, serving) != serving);
    }
}

fn node_of(key: &str) -> Option<NodeId> {
    NodeId::new(key.strip_prefix(NODES)?).ok()
}

/// What permits are granted by, in milliseconds since 1970.
pub(super) fn wall_ms(clock: &Clock) -> i64 {
    i64::try_from(clock.now().as_ns() / 1_000_000).unwrap_or(i64::MAX)
}
