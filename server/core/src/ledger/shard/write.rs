//! A write of a shard's claim, as it is sent and sent again until its outcome is known.

use crate::ledger::claim::Claim;
use crate::ledger::marks::Marks;
use crate::ledger::store::{Compare, Put, Swap};
use crate::ledger::version::Version;
use crate::mutant::{self, Mutant};

/// What a write is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClaimPurpose {
    TakeOver,
    HandOver,
}

/// A compare-and-swap of a claim.
#[derive(Clone, Debug)]
pub(super) struct ClaimWrite {
    pub(super) purpose: ClaimPurpose,
    pub(super) expected: Option<Version>,
    pub(super) new: Claim,
    /// What goes back with it, each with the version that it replaces.
    pub(super) marks: Vec<(Marks, Option<Version>)>,
    /// The store failed at it: that it can be read does not make it durable.
    pub(super) is_doubtful: bool,
    /// The store refused it, and what is read next tells why.
    pub(super) is_refused: bool,
}

impl ClaimWrite {
    pub(super) fn new(purpose: ClaimPurpose, expected: Option<Version>, new: Claim) -> Self {
        Self { purpose, expected, new, marks: Vec::new(), is_doubtful: false, is_refused: false }
    }

    /// The write as the store carries it out.
    pub(super) fn swap(&self, shard: u16) -> Swap {
        let mut compare =
            vec![Compare::Incarnation(self.new.incarnation), Compare::Claim(shard, self.expected)];
        let mut puts = vec![Put::Claim(shard, self.new.clone())];
        if !mutant::active(Mutant::GiveBackAfterHandOver) {
            for (marks, expected) in &self.marks {
                compare.push(Compare::Marks(shard, marks.workspace.clone(), *expected));
            }
            puts.extend(self.returns(shard));
        }
        Swap { compare, puts }
    }

    /// The marks that go back.
    pub(super) fn returns(&self, shard: u16) -> impl Iterator<Item = Put> {
        self.marks.iter().map(move |(marks, _)| Put::Marks(shard, Box::new(marks.clone())))
    }
}
