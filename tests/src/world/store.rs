//! A store with compare-and-swap, guards, backups and a memory of old values for stale reads. Delays and lost answers
//! are the world's.

use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{CasOutcome, Guard, ReadOutcome, ShardRecord, Version};
use apportion_core::mutant::{self, Mutant};
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// How many old values are remembered.
const OLD_VALUES: usize = 6;

/// The value of the one key, if any.
pub type Value = Option<(ShardRecord, Version)>;

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

/// The simulated store.
#[derive(Clone, Debug)]
pub struct Store {
    /// What stands there now.
    pub value: Value,
    /// The id of this history.
    pub incarnation: u128,
    /// The policies.
    pub policies: BTreeMap<WorkspaceId, StoredPolicy>,
    old: VecDeque<(Value, u128)>,
    backups: Vec<Value>,
}

impl Store {
    /// An empty store.
    pub fn new(incarnation: u128, policies: BTreeMap<WorkspaceId, StoredPolicy>) -> Self {
        Self { value: None, incarnation, policies, old: VecDeque::new(), backups: Vec::new() }
    }

    /// Compares and writes.
    pub fn cas(&mut self, expected: Option<Version>, new: ShardRecord, guards: &[Guard]) -> CasOutcome {
        let version = self.value.as_ref().map(|(_, version)| *version);
        let blind = mutant::active(Mutant::BlindPut);
        if !blind && (version != expected || !guards.iter().all(|guard| self.holds(guard))) {
            return CasOutcome::Conflict(self.value.clone());
        }
        let version = Version(version.map_or(1, |Version(version)| version + 1));
        self.remember();
        self.value = Some((new, version));
        CasOutcome::Ok(version)
    }

    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::Incarnation(incarnation) => *incarnation == self.incarnation,
            Guard::Policy(workspace, version) => {
                self.policies.get(workspace).is_some_and(|policy| policy.version == *version)
            }
        }
    }

    /// What a read shows; `staleness` values ago where there are so many.
    pub fn read(&self, staleness: usize) -> ReadOutcome {
        let old = staleness.checked_sub(1).and_then(|back| self.old.get(back));
        let (value, incarnation) = match old {
            Some((value, incarnation)) => (value.clone(), *incarnation),
            None => (self.value.clone(), self.incarnation),
        };
        match value {
            Some((record, version)) => ReadOutcome::Found { record, version, incarnation },
            None => ReadOutcome::Absent { incarnation },
        }
    }

    /// Takes a backup of what stands there, once there is something.
    pub fn back_up(&mut self) {
        if self.value.is_some() {
            self.backups.push(self.value.clone());
        }
    }

    /// Puts a backup back, as a new history. Whether there was one.
    pub fn restore(&mut self, which: u64, incarnation: u128) -> bool {
        let count = u64::try_from(self.backups.len()).expect("few backups");
        let Some(place) = which.checked_rem(count) else { return false };
        self.remember();
        self.value = self.backups[usize::try_from(place).expect("a place")].clone();
        self.incarnation = incarnation;
        true
    }

    fn remember(&mut self) {
        self.old.push_front((self.value.clone(), self.incarnation));
        self.old.truncate(OLD_VALUES);
    }
}
