//! A scan of a shard's marks that is under way.

use crate::ids::WorkspaceId;
use crate::ledger::flight::Flight;
use crate::ledger::marks::LearnedLimits;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// A scan that is under way.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) flight: Flight<()>,
    /// The life of the allocators to be opened.
    pub(super) life: u64,
    pub(super) after: Option<WorkspaceId>,
    pub(super) learned: BTreeMap<WorkspaceId, LearnedLimits>,
    pub(super) booked_ahead: Option<Timestamp>,
}
