//! What a node says of itself under `nodes/{node}`, and who owns a shard.

use apportion_core::ids::NodeId;
use serde::{Deserialize, Serialize};

/// Where the records of nodes lie.
pub(super) const NODES: &str = "nodes/";
/// Most suspects that are taken from one record.
const SUSPECTS_MAX: usize = 1_000;
/// The highest weight of a node.
const WEIGHT_MAX: u16 = 100;

/// What a node says of itself. Fields that a newer program wrote are ignored, missing ones have a default.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub struct NodeRecord {
    /// Another one in each process.
    pub boot: String,
    /// Where clients reach it, as `host:port`.
    pub client_address: String,
    /// Where other nodes reach it, as `host:port`.
    pub peer_address: String,
    /// The version of the program.
    pub version: String,
    /// How much of the shards it takes, against other nodes: 1 to 100.
    pub weight: u16,
    /// It gives its shards away and takes none, while another node can have them.
    pub draining: bool,
    /// It is about to stop: it takes no shard, whatever happens.
    pub stopping: bool,
    /// How far its clock is ahead of the median of all clocks, in milliseconds.
    pub clock_off_ms: i64,
    /// Its clock is further off than leases allow for, or not known to be right yet: it gives its shards away and takes none.
    pub clock_is_wrong: bool,
    /// How long its last write to the store took, in microseconds; 0 before the first.
    pub store_us: u64,
    /// Nodes that it cannot reach.
    pub suspects: Vec<String>,
    /// Its wall clock when it wrote this, in milliseconds since 1970.
    pub wall_ms: i64,
}

impl NodeRecord {
    /// Whether shards may go to it.
    pub(super) fn is_eligible(&self) -> bool {
        !self.draining && !self.clock_is_wrong
    }

    /// Whether shards may go to it where no node is eligible.
    pub(super) fn is_spare(&self) -> bool {
        !self.stopping && !self.clock_is_wrong
    }

    pub(super) fn has_suspect(&self, node: &NodeId) -> bool {
        self.suspects.iter().any(|suspect| suspect == node.as_str())
    }

    /// The record as it is stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The record as it was stored; `None` where it is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record: Self = serde_json::from_slice(bytes).ok()?;
        record.weight = record.weight.clamp(1, WEIGHT_MAX);
        record.suspects.truncate(SUSPECTS_MAX);
        Some(record)
    }
}

/// Who owns a shard, as the store says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ShardOwner {
    pub(super) node: NodeId,
    pub(super) epoch: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_newer_program_is_read_and_one_that_is_none_is_left_out() {
        let read = NodeRecord::decode(br#"{"boot":"b","weight":0,"colour":"red"}"#).expect("it is a record");
        assert_eq!((read.boot.as_str(), read.weight, read.is_eligible()), ("b", 1, true));
        let largest = NodeRecord { weight: u16::MAX, ..NodeRecord::default() }.encode();
        assert_eq!(NodeRecord::decode(&largest).map(|read| read.weight), Some(WEIGHT_MAX));
        for bad in [&b""[..], b"7", b"{", b"{\"boot\":1}", b"\xff"] {
            assert_eq!(NodeRecord::decode(bad), None, "{bad:?}");
        }
    }
}
