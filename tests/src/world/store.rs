//! A store with transactions that compare versions, backups, and a memory of old values for stale reads. Delays and lost answers are
//! the world's.

use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::{
    Claim, Compare, Found, Marks, Put, ReadOutcome, ScanOutcome, Swap, SwapOutcome, Token, Version,
};
use apportion_core::mutant::{self, Mutant};
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// How many old values are remembered.
const OLD_VALUES: usize = 6;

/// A workspace's policy in the store: its version, and the budget of each of its limits.
#[derive(Clone, Debug)]
pub struct StoredPolicy {
    /// Rises with each change.
    pub version: Version,
    /// Budgets by the limit's place in the workspace.
    pub budgets: Vec<Permits>,
    /// Every change so far: to which version, and when.
    pub changes: Vec<(Version, Timestamp)>,
}

/// What stands there at one instant.
#[derive(Clone, Default, Debug)]
struct Contents {
    claims: BTreeMap<u16, (Rc<Claim>, Version)>,
    marks: BTreeMap<(u16, WorkspaceId), (Rc<Marks>, Version)>,
}

/// The simulated store.
#[derive(Clone, Debug)]
pub struct Store {
    now: Contents,
    commits: u64,
    /// The id of this history.
    pub incarnation: u128,
    /// The policies.
    pub policies: BTreeMap<WorkspaceId, StoredPolicy>,
    old: VecDeque<(Contents, u128)>,
    backups: Vec<Contents>,
}

impl Store {
    /// A new store. It has the claims of all its shards, as a server makes them before it serves the first call: no backup lacks
    /// one, so a claim that is not there never stands for one that a restored store has forgotten.
    pub fn new(incarnation: u128, policies: BTreeMap<WorkspaceId, StoredPolicy>, shards: u16) -> Self {
        let creator = NodeId::new("creator").expect("a name");
        let claim = |shard| (shard, (Rc::new(Claim::first(creator.clone(), 0, incarnation)), Version(0)));
        let now = Contents { claims: (0..shards).map(claim).collect(), marks: BTreeMap::new() };
        let (old, backups) = (VecDeque::new(), Vec::new());
        Self { now, commits: 0, incarnation, policies, old, backups }
    }

    /// The marks of every workspace, as they are now.
    pub fn marks(&self) -> impl Iterator<Item = &Marks> {
        self.now.marks.values().map(|(marks, _)| &**marks)
    }

    /// Compares and writes.
    pub fn swap(&mut self, swap: Swap) -> SwapOutcome {
        let blind = mutant::active(Mutant::BlindPut);
        if !blind && !swap.compare.iter().all(|compare| self.holds(compare)) {
            return SwapOutcome::Conflict;
        }
        self.remember();
        self.commits += 1;
        let version = Version(self.commits);
        for put in swap.puts {
            match put {
                Put::Claim(shard, claim) => {
                    self.now.claims.insert(shard, (Rc::new(claim), version));
                }
                Put::Marks(shard, marks) => {
                    self.now.marks.insert((shard, marks.workspace.clone()), (marks.into(), version));
                }
            }
        }
        SwapOutcome::Done(version)
    }

    fn holds(&self, compare: &Compare) -> bool {
        match compare {
            Compare::Incarnation(incarnation) => *incarnation == self.incarnation,
            Compare::Claim(shard, version) => {
                self.now.claims.get(shard).map(|(_, version)| *version) == *version
            }
            Compare::Marks(shard, workspace, version) => {
                let found = self.now.marks.get(&(*shard, workspace.clone()));
                found.map(|(_, version)| *version) == *version
            }
            Compare::Policy(workspace, version) => {
                self.policies.get(workspace).is_some_and(|policy| policy.version == *version)
            }
        }
    }

    fn contents(&self, staleness: usize) -> (&Contents, u128) {
        let old = staleness.checked_sub(1).and_then(|back| self.old.get(back));
        old.map_or((&self.now, self.incarnation), |(contents, incarnation)| (contents, *incarnation))
    }

    /// What a read shows: the claim and the marks as of so many values ago, each, where there are so many.
    pub fn read(&self, token: &Token, of_claim: usize, of_marks: usize) -> ReadOutcome {
        let (contents, incarnation) = self.contents(of_claim);
        let claim = contents.claims.get(&token.shard);
        let claim = claim.map(|(claim, version)| (Claim::clone(claim), *version));
        let marks = token
            .workspace
            .as_ref()
            .and_then(|workspace| self.contents(of_marks).0.marks.get(&(token.shard, workspace.clone())));
        let marks = marks.map(|(marks, version)| (Marks::clone(marks), *version));
        ReadOutcome::Found(Box::new(Found { incarnation, claim, marks }))
    }

    /// The marks of one workspace after another, as they are now.
    pub fn scan(&self, token: &Token, after: Option<&WorkspaceId>) -> ScanOutcome {
        let mut behind = self.now.marks.iter().filter(|((shard, workspace), _)| {
            *shard == token.shard && after.is_none_or(|after| workspace > after)
        });
        let first = behind.next();
        let next = first.filter(|_| behind.next().is_some()).map(|((_, workspace), _)| workspace.clone());
        let marks = first.map(|(_, (marks, version))| (Marks::clone(marks), *version));
        ScanOutcome::Page { marks: marks.into_iter().collect(), next }
    }

    /// Takes a backup of what stands there, once there is something.
    pub fn back_up(&mut self) {
        if !self.now.claims.is_empty() {
            self.backups.push(self.now.clone());
        }
    }

    /// Puts a backup back, as a new history. Whether there was one.
    pub fn restore(&mut self, which: u64, incarnation: u128) -> bool {
        let count = u64::try_from(self.backups.len()).expect("few backups");
        let Some(place) = which.checked_rem(count) else { return false };
        self.remember();
        self.now = self.backups[usize::try_from(place).expect("a place")].clone();
        self.incarnation = incarnation;
        true
    }

    fn remember(&mut self) {
        self.old.push_front((self.now.clone(), self.incarnation));
        self.old.truncate(OLD_VALUES);
    }
}
