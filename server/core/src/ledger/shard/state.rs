//! What a shard consists of on one node, and how it is lost.

use super::scan::Scan;
use super::write::ClaimWrite;
use crate::ids::{NodeId, WorkspaceId};
use crate::ledger::books::WorkspaceBooks;
use crate::ledger::claim::Claim;
use crate::ledger::effect::{HostEffect, LostWhy};
use crate::ledger::flight::Flight;
use crate::ledger::horizon::Horizon;
use crate::ledger::mark::MarkKey;
use crate::ledger::outbox::Outbox;
use crate::ledger::tenure::Tenure;
use crate::ledger::version::Version;
use crate::permits::Permits;
use std::collections::BTreeMap;

/// What this shard is to its node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Served by another node, or by none.
    Away,
    /// Being taken over.
    Taking,
    /// Served here.
    Serving,
    /// To be given to a node, with what was granted of each window.
    Leaving(NodeId, BTreeMap<MarkKey, Permits>),
}

/// Who this node is, and how far ahead it books.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Site {
    pub(in crate::ledger) node: NodeId,
    pub(in crate::ledger) horizon: Horizon,
}

/// The ledger of one shard on one node.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct ShardLedger {
    pub(super) number: u16,
    pub(super) stage: Stage,
    /// The claim as this node last wrote it.
    pub(super) held: Option<(Claim, Version)>,
    pub(super) flight: Option<Flight<ClaimWrite>>,
    pub(super) scan: Option<Scan>,
    /// The clock got a new anchor since the workspaces were opened.
    pub(super) is_reanchored: bool,
    pub(super) books: BTreeMap<WorkspaceId, WorkspaceBooks>,
}

impl ShardLedger {
    /// A shard that this node does not serve.
    pub(in crate::ledger) fn new(number: u16) -> Self {
        Self {
            number,
            stage: Stage::Away,
            held: None,
            flight: None,
            scan: None,
            is_reanchored: false,
            books: BTreeMap::new(),
        }
    }

    /// Whether the shard is served here, as far as this node knows.
    pub(in crate::ledger) fn is_serving(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// The claim as this node last wrote it, while it owns the shard.
    pub(in crate::ledger) fn claim(&self) -> Option<&Claim> {
        self.held.as_ref().map(|(claim, _)| claim)
    }

    /// The books of a workspace, where any are kept.
    pub(in crate::ledger) fn books_of(&self, workspace: &WorkspaceId) -> Option<&WorkspaceBooks> {
        self.books.get(workspace)
    }

    /// How many books are kept.
    pub(in crate::ledger) fn books_count(&self) -> usize {
        self.books.len()
    }

    /// The claim that it is served under, and its books.
    pub(super) fn parts<'a>(
        &'a mut self,
        horizon: &'a Horizon,
    ) -> Option<(Tenure<'a>, &'a mut BTreeMap<WorkspaceId, WorkspaceBooks>)> {
        let (claim, version) = self.held.as_ref()?;
        let (shard, version, is_serving) = (self.number, *version, self.stage == Stage::Serving);
        Some((Tenure { shard, claim, version, horizon, is_serving }, &mut self.books))
    }

    /// Makes every block void, and everything that is pending.
    pub(super) fn lose(&mut self, why: LostWhy, outbox: &mut Outbox) {
        let is_reanchored = self.is_reanchored;
        *self = Self { is_reanchored, ..Self::new(self.number) };
        outbox.emit(HostEffect::Lost { shard: self.number, why });
    }
}
