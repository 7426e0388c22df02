//! The store: one claim, one workspace's marks, one policy. What it wrote last may be in its cache only, and gone after a crash.

use apportion_core::ledger::{
    Claim, Compare, Found, Marks, Put, ReadOutcome, ScanOutcome, Swap, SwapOutcome, Version,
};
use apportion_core::policy::Policy;

#[derive(Clone, Default)]
struct Values {
    claim: Option<(Claim, Version)>,
    marks: Option<(Marks, Version)>,
}

/// The simulated store.
pub(super) struct Store {
    seen: Values,
    durable: Values,
    commits: u64,
    /// How many of the next writes fail half-way.
    pub(super) fails: usize,
    pub(super) policy: Policy,
    pub(super) version: Version,
}

impl Store {
    pub(super) fn new(policy: Policy) -> Self {
        let [seen, durable] = [Values::default(), Values::default()];
        Self { seen, durable, commits: 0, fails: 0, policy, version: Version(1) }
    }

    /// Puts a policy in place.
    pub(super) fn put(&mut self, policy: Policy) {
        let Version(version) = self.version;
        (self.policy, self.version) = (policy, Version(version + 1));
    }

    pub(super) fn read(&self) -> ReadOutcome {
        let Values { claim, marks } = self.seen.clone();
        ReadOutcome::Found(Box::new(Found { incarnation: 1, claim, marks }))
    }

    pub(super) fn scan(&self) -> ScanOutcome {
        ScanOutcome::Page { marks: self.seen.marks.clone().into_iter().collect(), next: None }
    }

    /// Compares and writes. A write that fails is seen by every reader, and durable only once another one follows it.
    pub(super) fn swap(&mut self, swap: Swap) -> SwapOutcome {
        let Values { claim, marks } = &self.seen;
        let holds = |compare: &Compare| match compare {
            Compare::Incarnation(incarnation) => *incarnation == 1,
            Compare::Claim(_, version) => claim.as_ref().map(|(_, version)| *version) == *version,
            Compare::Marks(_, _, version) => marks.as_ref().map(|(_, version)| *version) == *version,
            Compare::Policy(_, version) => *version == self.version,
        };
        if !swap.compare.iter().all(holds) {
            return SwapOutcome::Conflict;
        }
        self.commits += 1;
        let version = Version(self.commits);
        for put in swap.puts {
            match put {
                Put::Claim(_, claim) => self.seen.claim = Some((claim, version)),
                Put::Marks(_, marks) => self.seen.marks = Some((*marks, version)),
            }
        }
        if self.fails > 0 {
            self.fails -= 1;
            return SwapOutcome::Failed;
        }
        self.durable = self.seen.clone();
        SwapOutcome::Done(version)
    }

    /// What is in the cache only is gone.
    pub(super) fn crash(&mut self) {
        self.seen = self.durable.clone();
    }
}
