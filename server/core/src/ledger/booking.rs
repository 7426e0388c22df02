//! One booking: the next record out of the last one and everything that is pending.
//!
//! Owns the order of the parts (what the provider said first, then blocks, then clean-up). Knows no store and no state.

use super::block::{BookRefusal, WantedBlock};
use super::mark::{MarkKey, Raise};
use super::pending::Pending;
use super::record::ShardRecord;
use super::store::Guard;
use super::version::Version;
use crate::ids::WorkspaceId;
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::{Boundary, Window};
use std::collections::{BTreeMap, BTreeSet};

/// A booking that is ready to be written, or has nothing to write.
pub(super) struct Booking {
    pub(super) new: ShardRecord,
    pub(super) raises: Vec<Raise>,
    pub(super) refused: Vec<(MarkKey, BookRefusal)>,
    pub(super) guards: Vec<Guard>,
}

impl Pending {
    /// The next record: `base` with all of this, cleaned up as of `now`. Every window may be booked a `runway` ahead.
    pub(super) fn book(&self, base: &ShardRecord, nonce: u128, now: Timestamp, runway: Span) -> Booking {
        let mut new = ShardRecord { nonce, ..base.clone() };
        self.deleted.iter().for_each(|workspace| new.forget(workspace, now));
        for (limit, learned) in &self.learned {
            new.learn(limit.clone(), *learned);
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
            let learned = new.learned.get(&(key.workspace.clone(), key.limit.clone()));
            let most = learned.and_then(|learned| learned.permits).unwrap_or(Permits::MAX);
            let budget = want.budget.min(most);
            let raise = if policies.get(&key.workspace) != Some(&want.policy_version) {
                Err(BookRefusal::PolicyChanged)
            } else if new.is_closed(key, &as_early(want, runway)) {
                Err(BookRefusal::Closed)
            } else {
                new.raise(key, &want.window, want.permits, budget, want.series)
            };
            match raise {
                Ok(raise) => raises.push(raise),
                Err(why) => refused.push((key.clone(), why)),
            }
        }
        // One raise a window, which ends at its mark: the next one starts there, so blocks are disjoint.
        debug_assert!(
            raises.iter().all(|raise: &Raise| raise.from <= raise.to && new.hi(&raise.key) == raise.to)
        );
        let raised: BTreeSet<_> = raises.iter().map(|raise| &raise.key.workspace).collect();
        let guards = policies
            .into_iter()
            .filter(|(workspace, _)| raised.contains(workspace))
            .map(|(workspace, version)| Guard::Policy(workspace.clone(), version))
            .collect();
        new.clean_up(now, self.statements.keys().cloned().collect());
        Booking { new, raises, refused, guards }
    }

    /// The newest policy of each workspace that blocks are wanted under.
    fn newest_policies(&self) -> BTreeMap<&WorkspaceId, Version> {
        let mut newest = BTreeMap::new();
        for (key, want) in &self.wanted {
            let known = newest.entry(&key.workspace).or_insert(want.policy_version);
            *known = want.policy_version.max(*known);
        }
        newest
    }
}

/// The window, with an earlier start where it may be booked longer ahead than the runway: it may have been booked that early in the
/// history that a restored store forgot.
fn as_early(want: &WantedBlock, runway: Span) -> Window {
    let start = want.window.start;
    let earliest = start.earliest - want.ahead.less(runway);
    Window { start: Boundary { earliest, ..start }, ..want.window }
}
