//! What the books of a workspace consist of. Does not know who is granted what: they say which units may be granted.

use super::write::MarksWrite;
use crate::ids::WorkspaceId;
use crate::ledger::effect::ShardReply;
use crate::ledger::flight::Flight;
use crate::ledger::mark::MarkKey;
use crate::ledger::marks::Marks;
use crate::ledger::outbox::Outbox;
use crate::ledger::pending::Pending;
use crate::ledger::version::Version;
use crate::permits::Permits;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What this process booked of one window since it took the shard over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Booked {
    pub(super) end: Timestamp,
    pub(super) permits: Permits,
    /// The provider said that the window is exhausted: nothing of it is given back.
    pub(super) exhausted: bool,
}

/// The books of one workspace.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct WorkspaceBooks {
    pub(super) id: WorkspaceId,
    /// The marks as this node last read or wrote them, and their version; without one the store has none.
    pub(super) held: Option<(Marks, Option<Version>)>,
    pub(super) pending: Pending,
    pub(super) booked: BTreeMap<MarkKey, Booked>,
    pub(super) flight: Option<Flight<MarksWrite>>,
    pub(super) is_store_lost: bool,
    /// The life of the allocator that is to be opened once the marks are read.
    pub(super) opens: Option<u64>,
}

impl WorkspaceBooks {
    /// Books of which nothing is known yet.
    pub(in crate::ledger) fn new(id: WorkspaceId) -> Self {
        Self {
            id,
            held: None,
            pending: Pending::default(),
            booked: BTreeMap::new(),
            flight: None,
            is_store_lost: false,
            opens: None,
        }
    }

    /// Books with marks that were read under the claim of now.
    pub(in crate::ledger) fn loaded(marks: Marks, version: Version) -> Self {
        let mut books = Self::new(marks.workspace.clone());
        books.held = Some((marks, Some(version)));
        books
    }

    /// The marks as this node last read or wrote them.
    pub(in crate::ledger) fn marks(&self) -> Option<&Marks> {
        self.held.as_ref().map(|(marks, _)| marks)
    }

    /// Says again that the store does not answer, to an allocator that is new.
    pub(in crate::ledger) fn remind(&self, outbox: &mut Outbox) {
        if self.is_store_lost {
            outbox.reply(&self.id, ShardReply::StoreLost(true));
        }
    }

    /// What this process booked of a window since it took the shard over.
    pub(in crate::ledger) fn booked(&self, key: &MarkKey) -> Permits {
        self.booked.get(key).map_or(Permits::ZERO, |booked| booked.permits)
    }

    /// Whether a question to the store is in flight.
    pub(in crate::ledger) fn is_asking(&self) -> bool {
        self.flight.is_some()
    }

    /// Forgets windows that are long over. Whether there is still anything that the store does not know.
    pub(in crate::ledger) fn are_needed(&mut self, now: Timestamp) -> bool {
        self.booked.retain(|key, booked| {
            let length = booked.end.since(key.window_start);
            now.since(booked.end) <= length + length
        });
        self.flight.is_some() || self.opens.is_some() || !(self.booked.is_empty() && self.pending.is_idle())
    }
}
