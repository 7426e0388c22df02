//! The store: one record, one policy. What it wrote last may be in its cache only, and gone after a crash.

use apportion_core::ledger::{CasOutcome, Guard, ReadOutcome, ShardRecord, Version};
use apportion_core::policy::Policy;

type Value = Option<(ShardRecord, Version)>;

/// The simulated store.
pub(super) struct Store {
    seen: Value,
    durable: Value,
    /// How many of the next writes fail half-way.
    pub(super) fails: usize,
    pub(super) policy: Policy,
    pub(super) version: Version,
}

impl Store {
    pub(super) fn new(policy: Policy) -> Self {
        Self { seen: None, durable: None, fails: 0, policy, version: Version(1) }
    }

    /// Puts a policy in place.
    pub(super) fn put(&mut self, policy: Policy) {
        let Version(version) = self.version;
        (self.policy, self.version) = (policy, Version(version + 1));
    }

    pub(super) fn read(&self) -> ReadOutcome {
        match self.seen.clone() {
            Some((record, version)) => ReadOutcome::Found { record, version, incarnation: 1 },
            None => ReadOutcome::Absent { incarnation: 1 },
        }
    }

    /// Compares and writes. A write that fails is seen by every reader, and durable only once another one follows it.
    pub(super) fn cas(
        &mut self,
        expected: Option<Version>,
        new: ShardRecord,
        guards: &[Guard],
    ) -> CasOutcome {
        let version = self.seen.as_ref().map(|(_, version)| *version);
        let holds = |guard: &Guard| match guard {
            Guard::Incarnation(incarnation) => *incarnation == 1,
            Guard::Policy(_, version) => *version == self.version,
        };
        if version != expected || !guards.iter().all(holds) {
            return CasOutcome::Conflict(self.seen.clone());
        }
        let version = Version(version.map_or(1, |Version(version)| version + 1));
        self.seen = Some((new, version));
        if self.fails > 0 {
            self.fails -= 1;
            return CasOutcome::Failed;
        }
        self.durable = self.seen.clone();
        CasOutcome::Ok(version)
    }

    /// What is in the cache only is gone.
    pub(super) fn crash(&mut self) {
        self.seen = self.durable.clone();
    }
}
