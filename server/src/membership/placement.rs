//! What administrators want of the placement of shards, as it is seen in the store: nodes that drain, and shards that are kept at one.

use crate::store::Entry;
use crate::store::catalog::{KeptPin, PlacementKey};
use crate::store::etcd::{Followed, SeenKeys};
use apportion_core::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Drains and pins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Placement {
    pub(super) drained: BTreeSet<NodeId>,
    pub(super) pins: BTreeMap<u16, KeptPin>,
}

impl Placement {
    /// Takes in what was seen of the keys.
    pub(super) fn see(&mut self, seen: SeenKeys) {
        match seen {
            SeenKeys::Listed(entries, _) => {
                *self = Self::default();
                entries.iter().for_each(|entry| self.put(entry));
            }
            SeenKeys::Changed(changes) => {
                for change in changes {
                    match change {
                        Followed::Put(entry) => self.put(&entry),
                        Followed::Deleted(key, _) => self.delete(&key),
                    }
                }
            }
        }
    }

    fn put(&mut self, entry: &Entry) {
        match PlacementKey::of(&entry.key) {
            Some(PlacementKey::Drain(node)) => drop(self.drained.insert(node)),
            Some(PlacementKey::Pin(shard)) => match KeptPin::read(&entry.value) {
                Some(pin) => drop(self.pins.insert(shard, pin)),
                None => {
                    tracing::error!(shard, "the pin of a shard cannot be read, and is ignored");
                    self.pins.remove(&shard);
                }
            },
            None => {}
        }
    }

    fn delete(&mut self, key: &str) {
        match PlacementKey::of(key) {
            Some(PlacementKey::Drain(node)) => drop(self.drained.remove(&node)),
            Some(PlacementKey::Pin(shard)) => drop(self.pins.remove(&shard)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::catalog::{Document, drain_key, pin_key};
    use apportion_core::ids::WorkspaceId;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).expect("a name")
    }

    fn entry(key: String, value: Vec<u8>) -> Entry {
        Entry { key, value, version: 1 }
    }

    fn pin(shard: u16, to: &str) -> (Entry, KeptPin) {
        let value = KeptPin { node: node(to), workspace: WorkspaceId::new("w").expect("a name") };
        let document = Document::Pin { shard, value: value.clone() };
        (entry(document.key(), document.bytes()), value)
    }

    #[test]
    fn drains_and_pins_are_seen_as_they_come_and_go_and_what_cannot_be_read_is_none() {
        let mut placement = Placement::default();
        let (entry_of_pin, kept) = pin(3, "a");
        placement.see(SeenKeys::Listed(vec![entry(drain_key("b"), Vec::new()), entry_of_pin.clone()], 1));
        assert_eq!(placement.drained, BTreeSet::from([node("b")]));
        assert_eq!(placement.pins, BTreeMap::from([(3, kept)]));
        let gone = [drain_key("b"), pin_key(9)].map(|key| Followed::Deleted(key, 2)).to_vec();
        let damaged = Followed::Put(entry(pin_key(3), b"\xff".to_vec()));
        placement.see(SeenKeys::Changed([gone, vec![damaged]].concat()));
        assert_eq!(placement, Placement::default());
        for other in
            ["placement/", "placement/pins/70000", "placement/pins/x", "placement/drains/", "policies/b"]
        {
            placement.see(SeenKeys::Changed(vec![Followed::Put(entry(other.into(), Vec::new()))]));
        }
        assert_eq!(placement, Placement::default());
        placement.see(SeenKeys::Changed(vec![Followed::Put(entry_of_pin)]));
        placement.see(SeenKeys::Listed(Vec::new(), 3));
        assert_eq!(placement, Placement::default(), "what is not listed is not there");
    }
}
