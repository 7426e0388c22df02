//! How long what takes, in milliseconds.

/// An instant of one process, in milliseconds from its start.
pub(super) type Ms = u64;

/// How long each node that a shard prefers less waits before it claims one that nobody serves.
pub(super) const RANK_DELAY: Ms = 200;
/// Most of the random time that comes on top.
pub(super) const JITTER: Ms = 40;
/// How long a claim may take before it is made again.
pub(super) const CLAIM_RETRY: Ms = 1_000;
/// The least time between two moves of a shard to the node that it prefers.
pub(super) const MOVE_INTERVAL: Ms = 5_000;
/// How long a node must have been there before shards move to it.
pub(super) const SETTLED: Ms = 1_000;
/// Most shards that leave a node at once.
pub(super) const MOVES: usize = 4;
/// Most shards that leave a draining node at once.
pub(super) const DRAIN_MOVES: usize = 16;
