//! A cluster in virtual time: the campaigns of all nodes, a store that keeps claims apart, watches that arrive late, probes that are
//! lost, nodes that die, join, pause and drain, shards that are pinned to a node. Every run is one seed.

mod placement;

use super::campaign::{Campaign, Order, Served, Suspicion};
use super::pace::Ms;
use super::record::{NodeRecord, ShardOwner};
use apportion_core::ids::NodeId;
use std::collections::{BTreeMap, VecDeque};

const SHARDS: u16 = 16;
const STEP: Ms = 10;
/// After so long without a keep-alive a session ends.
const TTL: Ms = 3_000;

/// A change that is on its way to a node.
#[derive(Clone, Debug)]
enum News {
    Node(NodeId, Option<NodeRecord>),
    Owner(u16, ShardOwner),
    Pin(u16, Option<NodeId>),
}

struct Simulated {
    campaign: Campaign,
    record: NodeRecord,
    served: BTreeMap<u16, u64>,
    news: VecDeque<(Ms, News)>,
    orders: VecDeque<(Ms, Order)>,
    renewed: Ms,
    is_dead: bool,
    paused_until: Ms,
}

struct World {
    now: Ms,
    random: u64,
    nodes: BTreeMap<NodeId, Simulated>,
    sessions: BTreeMap<NodeId, NodeRecord>,
    owners: Vec<Option<ShardOwner>>,
    pins: BTreeMap<u16, NodeId>,
    /// Claims and hand-overs that the store took, by shard.
    changes: Vec<(Ms, u16, bool)>,
}

fn id(number: u64) -> NodeId {
    NodeId::new(&format!("n{number}")).expect("a name")
}

impl World {
    fn new(seed: u64, nodes: u64) -> Self {
        let owners = vec![None; usize::from(SHARDS)];
        let mut world = Self {
            now: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            nodes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            owners,
            pins: BTreeMap::new(),
            changes: Vec::new(),
        };
        (0..nodes).for_each(|number| world.join(&id(number)));
        world
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % most
    }

    fn join(&mut self, node: &NodeId) {
        let seed = self.below(u64::MAX);
        let mut campaign = Campaign::new(node.clone(), SHARDS, seed);
        for (other, record) in &self.sessions {
            campaign.node(self.now, other.clone(), record.clone());
        }
        for (shard, owner) in self.owners.iter().enumerate() {
            campaign.owner(self.now, u16::try_from(shard).expect("few"), owner.clone());
        }
        self.pins.iter().for_each(|(&shard, node)| campaign.pin(shard, Some(node.clone())));
        let record = NodeRecord { boot: seed.to_string(), weight: 1, ..NodeRecord::default() };
        let simulated = Simulated {
            campaign,
            record: record.clone(),
            served: BTreeMap::new(),
            news: VecDeque::new(),
            orders: VecDeque::new(),
            renewed: self.now,
            is_dead: false,
            paused_until: 0,
        };
        self.nodes.insert(node.clone(), simulated);
        self.write_session(node, Some(record));
    }

    fn write_session(&mut self, node: &NodeId, record: Option<NodeRecord>) {
        match &record {
            Some(record) => self.sessions.insert(node.clone(), record.clone()),
            None => self.sessions.remove(node),
        };
        self.tell(&News::Node(node.clone(), record));
    }

    fn pin(&mut self, shard: u16, node: Option<NodeId>) {
        match node.clone() {
            Some(node) => self.pins.insert(shard, node),
            None => self.pins.remove(&shard),
        };
        self.tell(&News::Pin(shard, node));
    }

    /// News reach every node in order, each after a time of its own.
    fn tell(&mut self, news: &News) {
        let names: Vec<_> = self.nodes.keys().cloned().collect();
        for name in names {
            let late = if self.below(20) == 0 { 300 } else { self.below(30) };
            let now = self.now;
            let node = self.nodes.get_mut(&name).expect("it is one");
            let last = node.news.back().map_or(0, |(at, _)| *at);
            node.news.push_back(((now + late).max(last), news.clone()));
        }
    }

    fn run(&mut self, span: Ms) {
        let until = self.now + span;
        while self.now < until {
            self.now += STEP;
            self.expire();
            let names: Vec<_> = self.nodes.keys().cloned().collect();
            for name in names {
                let node = &self.nodes[&name];
                if !node.is_dead && node.paused_until <= self.now {
                    self.step(&name);
                }
            }
        }
    }

    fn expire(&mut self) {
        let ended = |node: &Simulated| self.now > node.renewed + TTL;
        let ended: Vec<_> =
            self.nodes.iter().filter(|(_, node)| ended(node)).map(|(name, _)| name.clone()).collect();
        for name in ended.into_iter().filter(|name| self.sessions.contains_key(name)).collect::<Vec<_>>() {
            self.write_session(&name, None);
        }
    }

    fn step(&mut self, name: &NodeId) {
        self.probe(name);
        let now = self.now;
        let node = self.nodes.get_mut(name).expect("it is one");
        node.renewed = now;
        while node.news.front().is_some_and(|(at, _)| *at <= now) {
            match node.news.pop_front().expect("there is one").1 {
                News::Node(other, Some(record)) => {
                    node.campaign.node(now, other, record);
                }
                News::Node(other, None) => node.campaign.node_gone(&other),
                News::Pin(shard, to) => node.campaign.pin(shard, to),
                News::Owner(shard, owner) => {
                    if owner.node != *name && node.served.remove(&shard).is_some() {
                        node.campaign.served(shard, Served::Not);
                    }
                    node.campaign.owner(now, shard, Some(owner));
                }
            }
        }
        node.record.suspects = node.campaign.suspects();
        let record = node.record.clone();
        let orders = node.campaign.advance(now);
        if self.sessions.get(name) != Some(&record) {
            self.write_session(name, Some(record));
        }
        for order in orders {
            let at = now + 5 + self.below(40);
            self.nodes.get_mut(name).expect("it is one").orders.push_back((at, order));
        }
        self.carry_out(name);
    }

    /// What the engine does with orders: claims and hand-overs are compare-and-swap.
    fn carry_out(&mut self, name: &NodeId) {
        while let Some((_, order)) = {
            let now = self.now;
            let orders = &mut self.nodes.get_mut(name).expect("it is one").orders;
            orders
                .front()
                .is_some_and(|(at, _)| *at <= now)
                .then(|| orders.pop_front().expect("there is one"))
        } {
            let (shard, to, is_claim) = match order {
                Order::Claim(shard) => (shard, name.clone(), true),
                Order::HandOver(shard, to) => (shard, to, false),
            };
            let known = self.owners[usize::from(shard)].clone();
            let epoch = known.as_ref().map_or(0, |owner| owner.epoch) + u64::from(is_claim);
            let node = self.nodes.get_mut(name).expect("it is one");
            if !is_claim
                && (known.map(|owner| owner.node) != Some(name.clone())
                    || node.served.remove(&shard).is_none())
            {
                node.campaign.served(shard, Served::Not);
                continue;
            }
            if is_claim {
                node.served.insert(shard, epoch);
            }
            node.campaign.served(shard, if is_claim { Served::Owned(epoch) } else { Served::Not });
            let owner = ShardOwner { node: to, epoch };
            self.owners[usize::from(shard)] = Some(owner.clone());
            self.changes.push((self.now, shard, is_claim));
            self.tell(&News::Owner(shard, owner));
        }
    }

    /// Every node knocks at every other one. The machine of a paused process accepts connections to it.
    fn probe(&mut self, name: &NodeId) {
        let others: Vec<_> = self.nodes[name].campaign.nodes().map(|(other, _)| other.clone()).collect();
        for other in others.into_iter().filter(|other| other != name) {
            let is_there = self.nodes.get(&other).is_some_and(|node| !node.is_dead);
            let why = (!is_there).then_some(Suspicion::Refused);
            // One knock in twenty comes to nothing, and the last one counts.
            if self.below(20) > 0 {
                self.nodes.get_mut(name).expect("it is one").campaign.suspect(&other, why);
            }
        }
    }

    /// How many shards no living node serves.
    fn unserved(&self) -> usize {
        self.vacant().count()
    }

    /// The shards that no living node serves.
    fn vacant(&self) -> impl Iterator<Item = u16> {
        let served = move |shard: u16| {
            let owner = self.owners[usize::from(shard)].as_ref();
            owner.is_some_and(|owner| {
                let node = self.nodes.get(&owner.node);
                node.is_some_and(|node| !node.is_dead && node.served.get(&shard) == Some(&owner.epoch))
            })
        };
        (0..SHARDS).filter(move |&shard| !served(shard))
    }

    fn owned_by(&self, node: &NodeId) -> usize {
        self.owners.iter().flatten().filter(|owner| owner.node == *node).count()
    }

    /// Runs until every shard is served. Returns how long that took.
    fn until_served(&mut self, most: Ms) -> Ms {
        let since = self.now;
        while self.unserved() > 0 {
            self.run(STEP);
            assert!(self.now - since <= most, "{} shards are not served after {most} ms", self.unserved());
        }
        self.now - since
    }
}

fn each_seed(test: impl Fn(u64)) {
    let seeds = std::env::var("APPORTION_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    (0..seeds).for_each(test);
}

#[test]
fn the_shards_of_a_killed_node_are_served_by_all_others_within_a_second() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3 + seed % 3);
        world.run(20_000);
        let victim = id(seed % 3);
        assert_eq!(world.unserved(), 0, "seed {seed}");
        assert!(world.owned_by(&victim) > 0, "seed {seed}");
        world.nodes.get_mut(&victim).expect("it is one").is_dead = true;
        let took = world.until_served(1_000);
        assert!(took <= 1_000, "seed {seed}: {took} ms");
        let most = world.nodes.keys().map(|node| world.owned_by(node)).max();
        assert!(most < Some(usize::from(SHARDS)), "seed {seed}: one node took everything");
    });
}

#[test]
fn a_node_that_joins_gets_its_part_by_hand_over_and_a_drained_one_keeps_nothing() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3);
        world.run(20_000);
        world.changes.clear();
        world.join(&id(7));
        world.run(15_000);
        assert!(world.owned_by(&id(7)) > 0, "seed {seed}");
        // Each move is a hand-over, and a claim by the node that it names.
        let moved = world.changes.iter().filter(|(_, _, is_claim)| !is_claim).count();
        assert_eq!((world.changes.len(), world.unserved()), (2 * moved, 0), "seed {seed}");
        world.nodes.get_mut(&id(7)).expect("it is one").record.draining = true;
        world.run(3_000);
        assert_eq!((world.owned_by(&id(7)), world.unserved()), (0, 0), "seed {seed}");
    });
}

#[test]
fn whatever_happens_before_every_shard_is_where_it_belongs_in_the_end_and_stays_there() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3);
        for _ in 0..12 {
            let name = id(world.below(5));
            let (what, span, now) = (world.below(5), world.below(4_000), world.now);
            let (shard, node) = (u16::try_from(world.below(SHARDS.into())).expect("few"), id(world.below(5)));
            let node = Some(node).filter(|_| world.below(3) > 0);
            world.pin(shard, node);
            match (world.nodes.get_mut(&name), what) {
                (None, _) => world.join(&name),
                (Some(node), 0) => node.is_dead = true,
                (Some(node), 1) if !node.is_dead => node.paused_until = now + 500 + 2 * span,
                (Some(node), 2) if !node.is_dead => node.record.draining ^= true,
                (Some(node), _) if node.is_dead => world.join(&name),
                (Some(_), _) => {}
            }
            world.run(span);
        }
        if world.nodes.values().all(|node| node.is_dead || node.record.draining) {
            world.join(&id(9));
        }
        world.run(40_000);
        assert_eq!(world.unserved(), 0, "seed {seed}");
        let able: Vec<_> =
            world.nodes.iter().filter(|(_, node)| !node.is_dead && !node.record.draining).collect();
        let able: Vec<_> = able.into_iter().map(|(name, _)| name.clone()).collect();
        for (shard, owner) in world.owners.iter().enumerate() {
            let shard = u16::try_from(shard).expect("few");
            let pinned = world.pins.get(&shard).filter(|node| able.contains(node));
            let order = super::plan::ranked(shard, able.iter().map(|node| (node, 1)));
            let wanted = pinned.or(order.first().copied());
            assert_eq!(owner.as_ref().map(|owner| &owner.node), wanted, "seed {seed}, shard {shard}");
        }
        world.changes.clear();
        world.run(20_000);
        assert_eq!(world.changes, [], "seed {seed}: shards move that need not");
    });
}

#[test]
fn a_paused_node_loses_its_shards_and_gets_them_back_by_hand_over() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3);
        world.run(20_000);
        let (now, victim) = (world.now, id(seed % 3));
        let before = world.owned_by(&victim);
        world.nodes.get_mut(&victim).expect("it is one").paused_until = now + 8_000;
        world.run(5_000);
        assert_eq!(world.owned_by(&victim), 0, "seed {seed}");
        world.run(20_000);
        assert_eq!((world.owned_by(&victim), world.unserved()), (before, 0), "seed {seed}");
    });
}
