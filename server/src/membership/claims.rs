//! Who owns a shard, read from what the store holds under its key.

use super::record::ShardOwner;
use crate::store::{Entry, record};

/// What the keys of shards start with.
pub(super) const SHARDS: &str = record::CLAIMS;

/// The number of the shard with this key.
pub(super) fn shard_of(key: &str) -> Option<u16> {
    key.strip_prefix(SHARDS)?.parse().ok()
}

/// Who owns the shard of an entry; `None` where that cannot be read.
pub(super) fn owner(entry: &Entry) -> Option<ShardOwner> {
    let claim = record::decode_claim(&entry.value).ok()?;
    Some(ShardOwner { node: claim.owner, epoch: claim.epoch })
}
