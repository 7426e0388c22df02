//! A write of a workspace's marks, as it is sent and sent again until its outcome is known.

use crate::ledger::mark::Raise;
use crate::ledger::marks::Marks;
use crate::ledger::pending::Pending;
use crate::ledger::store::{Compare, Put, Swap};
use crate::ledger::tenure::Tenure;
use crate::ledger::version::Version;
use crate::mutant::{self, Mutant};

/// What a write is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MarksPurpose {
    Book,
    Return,
}

/// A compare-and-swap of marks.
#[derive(Clone, Debug)]
pub(super) struct MarksWrite {
    pub(super) purpose: MarksPurpose,
    pub(super) expected: Option<Version>,
    pub(super) new: Marks,
    /// The policy that the raises rest on.
    pub(super) policy: Option<Version>,
    pub(super) raises: Vec<Raise>,
    pub(super) carried: Pending,
    /// The store failed at it: that it can be read does not make it durable.
    pub(super) is_doubtful: bool,
    /// The store refused it, and what is read next tells why.
    pub(super) is_refused: bool,
}

impl MarksWrite {
    pub(super) fn new(
        purpose: MarksPurpose,
        expected: Option<Version>,
        new: Marks,
        carried: Pending,
    ) -> Self {
        let (policy, raises) = (None, Vec::new());
        Self { purpose, expected, new, policy, raises, carried, is_doubtful: false, is_refused: false }
    }

    /// The write as the store carries it out.
    pub(super) fn swap(&self, tenure: &Tenure<'_>) -> Swap {
        let workspace = &self.new.workspace;
        let mut compare = tenure.compare();
        compare.push(Compare::Marks(tenure.shard, workspace.clone(), self.expected));
        if let Some(policy) = self.policy.filter(|_| !mutant::active(Mutant::BookWithoutPolicy)) {
            compare.push(Compare::Policy(workspace.clone(), policy));
        }
        Swap { compare, puts: vec![Put::Marks(tenure.shard, Box::new(self.new.clone()))] }
    }
}
