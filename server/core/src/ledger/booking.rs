//! One booking: the next record out of the last one and everything that waits to be written.
//!
//! Owns the order of the parts (what the provider said first, then blocks, then clean-up). Knows no store and no state.

use super::account::Statement;
use super::effect::{Guard, Refusal, Version, WantedBlock};
use super::record::{MarkKey, Raise, ShardRecord};
use crate::facts::Learnt;
use crate::ids::{LimitId, WorkspaceId};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::{Boundary, Window};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that waits to be written with the next compare-and-swap.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) wanted: BTreeMap<MarkKey, WantedBlock>,
    pub(super) learnt: BTreeMap<(WorkspaceId, LimitId), Learnt>,
    /// Windows that count as used, with their budgets.
    pub(super) exhausted: BTreeMap<MarkKey, (Window, Permits)>,
    /// What allocators say of their workspaces. What is not urgent is of use to the next booking only, and waits for that.
    pub(super) statements: BTreeMap<WorkspaceId, Statement>,
    /// Workspaces that are no more.
    pub(super) gone: BTreeSet<WorkspaceId>,
}

/// A booking that is ready to be written, or has nothing to write.
pub(super) struct Booking {
    pub(super) new: ShardRecord,
    pub(super) raises: Vec<Raise>,
    pub(super) refused: Vec<(MarkKey, Refusal)>,
    pub(super) guards: Vec<Guard>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && !self.has_news()
    }

    /// Whether there is anything to write but blocks.
    pub(super) fn has_news(&self) -> bool {
        let is_urgent = self.statements.values().any(|statement| statement.is_urgent);
        is_urgent || !(self.learnt.is_empty() && self.exhausted.is_empty() && self.gone.is_empty())
    }

    /// Puts back what a failed write carried; what came in meanwhile is newer and stays.
    pub(super) fn put_back(&mut self, former: Pending) {
        for (limit, learnt) in former.learnt {
            self.learnt.entry(limit).or_insert(learnt);
        }
        for (key, spent) in former.exhausted {
            self.exhausted.entry(key).or_insert(spent);
        }
        for (workspace, statement) in former.statements {
            self.statements.entry(workspace).or_insert(statement);
        }
        self.gone.extend(former.gone);
    }

    /// The next record: `base` with all of this, cleaned up as of `now`. Every window may be booked a `runway` ahead.
    pub(super) fn book(&self, base: &ShardRecord, nonce: u128, now: Timestamp, runway: Span) -> Booking {
        let mut new = ShardRecord { nonce, ..base.clone() };
        self.gone.iter().for_each(|workspace| new.forget(workspace, now));
        for (limit, learnt) in &self.learnt {
            new.learn(limit.clone(), *learnt);
        }
        for (workspace, statement) in &self.statements {
            new.state(workspace, statement);
        }
        for (key, (window, budget)) in &self.exhausted {
            new.spend(key, window, *budget);
        }
        let policies = self.newest_policies();
        let (mut raises, mut refused) = (Vec::new(), Vec::new());
        for (key, want) in &self.wanted {
            let learnt = new.learnt.get(&(key.workspace.clone(), key.limit.clone()));
            let most = learnt.and_then(|learnt| learnt.permits).unwrap_or(Permits::MAX);
            let budget = want.budget.min(most);
            let raise = if policies.get(&key.workspace) != Some(&want.policy_version) {
                Err(Refusal::PolicyChanged)
            } else if new.is_closed(key, &as_early(want, runway)) {
                Err(Refusal::Closed)
            } else {
                new.raise(key, &want.window, want.permits, budget, want.series)
            };
            match raise {
                Ok(raise) => raises.push(raise),
                Err(why) => refused.push((key.clone(), why)),
            }
        }
        let raised: BTreeSet<_> = raises.iter().map(|raise| &raise.key.workspace).collect();
        let guards = policies
            .into_iter()
            .filter(|(workspace, _)| raised.contains(workspace))
            .map(|(workspace, version)| Guard::Policy(workspace.clone(), version))
            .collect();
        new.clean_up(now, self.statements.keys().cloned().collect());
        Booking { new, raises, refused, guards }
    }

    /// The newest policy that blocks are wanted under, of each workspace.
    fn newest_policies(&self) -> BTreeMap<&WorkspaceId, Version> {
        let mut newest = BTreeMap::new();
        for (key, want) in &self.wanted {
            let known = newest.entry(&key.workspace).or_insert(want.policy_version);
            *known = want.policy_version.max(*known);
        }
        newest
    }
}

/// A window that may be booked longer ahead than a runway was so also in the history that a restored store forgot: as if it started
/// so much earlier.
fn as_early(want: &WantedBlock, runway: Span) -> Window {
    let start = want.window.start;
    let earliest = start.earliest - want.ahead.less(runway);
    Window { start: Boundary { earliest, ..start }, ..want.window }
}
