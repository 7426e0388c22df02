//! Drains and pins: no shard is left without an owner, and none moves that need not.

use super::{SHARDS, STEP, World, each_seed, id};
use crate::membership::pace::Ms;
use crate::membership::plan::ranked;
use apportion_core::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Longest time for which a shard is served by nobody while it is handed over: until late news of it arrive, and its claim is made.
const HAND_OVER: Ms = 500;

impl World {
    /// Runs, and fails where a shard is served by nobody for longer than a hand-over takes.
    fn run_served(&mut self, span: Ms) {
        let (until, mut since) = (self.now + span, BTreeMap::new());
        while self.now < until {
            self.run(STEP);
            let vacant: BTreeSet<_> = self.vacant().collect();
            since.retain(|shard, _| vacant.contains(shard));
            for shard in vacant {
                let at = *since.entry(shard).or_insert(self.now);
                assert!(self.now - at <= HAND_OVER, "nobody serves shard {shard} since {at} ms");
            }
        }
        assert_eq!(self.unserved(), 0);
    }

    fn owner(&self, shard: u16) -> NodeId {
        self.owners[usize::from(shard)].as_ref().expect("it has one").node.clone()
    }

    fn drain(&mut self, node: &NodeId, draining: bool) {
        self.nodes.get_mut(node).expect("it is one").record.draining = draining;
    }

    /// The shards that have moved since that was asked last.
    fn moved(&mut self) -> BTreeSet<u16> {
        std::mem::take(&mut self.changes).into_iter().map(|(_, shard, _)| shard).collect()
    }
}

#[test]
fn a_pinned_shard_moves_alone_by_hand_over_stays_and_goes_back_when_the_pin_ends() {
    each_seed(|seed| {
        let mut world = World::new(seed, 4);
        world.run(20_000);
        let (shard, home) = (3, world.owner(3));
        let away = (0..4).map(id).find(|node| *node != home).expect("another node");
        world.moved();
        world.pin(shard, Some(away.clone()));
        world.run_served(8_000);
        assert_eq!((world.owner(shard), world.moved()), (away, BTreeSet::from([shard])), "seed {seed}");
        world.run_served(20_000);
        assert_eq!(world.moved(), BTreeSet::new(), "seed {seed}: it stays");
        world.pin(shard, None);
        world.run_served(8_000);
        assert_eq!((world.owner(shard), world.moved()), (home, BTreeSet::from([shard])), "seed {seed}");
    });
}

#[test]
fn the_shard_of_a_pin_is_elsewhere_while_its_node_is_dead_or_drains_and_comes_back() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3);
        let (shard, to) = (5, id(seed % 3));
        world.pin(shard, Some(to.clone()));
        world.run(20_000);
        assert_eq!(world.owner(shard), to, "seed {seed}");
        world.drain(&to, true);
        // A node that seems dead for a moment gets its part a little later.
        world.run_served(20_000);
        let others: Vec<_> = (0..3).map(id).filter(|node| *node != to).collect();
        let heir = ranked(shard, others.iter().map(|node| (node, 1)))[0].clone();
        assert_eq!((world.owner(shard), world.owned_by(&to)), (heir.clone(), 0), "seed {seed}");
        world.drain(&to, false);
        world.run_served(30_000);
        assert_eq!(world.owner(shard), to, "seed {seed}");
        world.nodes.get_mut(&to).expect("it is one").is_dead = true;
        world.run(20_000);
        assert_eq!((world.owner(shard), world.unserved()), (heir, 0), "seed {seed}");
        world.join(&to);
        world.run(20_000);
        assert_eq!((world.owner(shard), world.unserved()), (to, 0), "seed {seed}");
    });
}

#[test]
fn where_all_nodes_drain_each_keeps_its_shards_and_takes_those_of_the_dead() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3);
        world.run(20_000);
        let victim = id(seed % 3);
        let others: Vec<_> = (0..3).map(id).filter(|node| *node != victim).collect();
        others.iter().for_each(|node| world.drain(node, true));
        world.run_served(8_000);
        assert_eq!(world.owned_by(&victim), usize::from(SHARDS), "seed {seed}");
        world.moved();
        world.drain(&victim, true);
        world.run_served(20_000);
        assert_eq!(world.moved(), BTreeSet::new(), "seed {seed}: nobody is better");
        world.nodes.get_mut(&victim).expect("it is one").is_dead = true;
        world.until_served(5_000);
        world.moved();
        // The first that takes shards again gets all of them.
        world.drain(&others[0], false);
        world.run_served(30_000);
        assert_eq!(world.owned_by(&others[0]), usize::from(SHARDS), "seed {seed}");
    });
}

#[test]
fn a_node_that_stops_gives_its_shards_to_nodes_that_drain_if_there_are_no_others() {
    each_seed(|seed| {
        let mut world = World::new(seed, 2);
        world.run(20_000);
        world.drain(&id(1), true);
        world.run_served(8_000);
        let record = &mut world.nodes.get_mut(&id(0)).expect("it is one").record;
        (record.draining, record.stopping) = (true, true);
        world.run_served(5_000);
        assert_eq!(world.owned_by(&id(1)), usize::from(SHARDS), "seed {seed}");
    });
}
