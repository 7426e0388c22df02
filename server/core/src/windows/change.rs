//! The limits change: policy adds, changes, renames or removes them, or their boundaries move.

use super::state::Windows;
use crate::blocks::Blocks;
use crate::effect::Effects;
use crate::facts::{Facts, Learned};
use crate::ledger::Shape;
use crate::limit::Limit;
use crate::policy::{LimitPolicy, Policy};
use crate::time::Timestamp;
use crate::window::Grid;

/// What the limits become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitChange<'a> {
    pub(crate) policy: &'a Policy,
    /// Which limit so far each of the policy's limits continues.
    pub(crate) continues: &'a [Option<usize>],
    pub(crate) now: Timestamp,
}

impl Windows {
    /// The limits, and where their windows lie.
    pub(crate) fn shape(&self) -> Shape {
        self.limits.iter().map(|limit| (limit.id.clone(), limit.facts.grid())).collect()
    }

    /// The shape under another policy: a limit of the same windows keeps them where the provider showed that they lie.
    pub(crate) fn shape_under(&self, policy: &Policy, before: &Policy) -> Shape {
        let grid = |new: &LimitPolicy| {
            let known = before.limits.iter().zip(&self.limits).find(|(old, _)| old.id == new.id);
            match known.filter(|(old, _)| has_same_windows(old, new)) {
                Some((_, limit)) => limit.facts.grid(),
                None => Grid::new(new.window, new.phase),
            }
        };
        policy.limits.iter().map(|limit| (limit.id.clone(), grid(limit))).collect()
    }

    /// Makes the limits those of a policy. A limit with other boundaries is a new one, in the series that `next_series` returns.
    pub(crate) fn change(
        &mut self,
        change: &LimitChange<'_>,
        mut next_series: impl FnMut() -> u32,
        effects: &mut Effects,
    ) {
        let &LimitChange { policy, continues, now } = change;
        // Whatever a limit is called: the provider asked for silence.
        let cooldown_until = self.limits.iter().map(|limit| limit.cooldown_until).max();
        let known =
            Learned { cooldown_until: cooldown_until.filter(|&until| until > now), ..Learned::default() };
        let mut old: Vec<_> = self.limits.drain(..).map(Some).collect();
        for (of_policy, &from) in policy.limits.iter().zip(continues) {
            let limit = match from.and_then(|place| old[place].take()) {
                Some(limit) if limit.id == of_policy.id => reconfigured(limit, of_policy, policy, effects),
                Some(limit) => renamed(limit, of_policy, policy, &known, effects),
                // Windows that lie elsewhere: the ledger knows what they start with.
                None => {
                    let limit = Limit::new(of_policy, policy, Some(&known), next_series(), now);
                    effects.learn(&limit);
                    Limit { is_new: true, ..limit }
                }
            };
            self.limits.push(limit);
        }
        self.primary = policy.primary_limit();
        self.largest_lease = policy.largest();
    }

    /// Windows that started after the policy took force keep to its budgets.
    pub(crate) fn lower_budgets(&mut self, since: Timestamp) {
        for limit in &mut self.limits {
            if limit.window.start.earliest > since {
                limit.budget = limit.budget.min(limit.next_budget());
            }
        }
    }

    /// Whether the window in force is none of those that the limit has now: its boundaries moved.
    pub(crate) fn has_moved(&self, at: usize) -> bool {
        let limit = &self.limits[at];
        limit.facts.grid().at(limit.window.start.earliest) != limit.window
    }

    /// The windows of a limit lie elsewhere, in another series. Blocks of the old ones are void; the ledger knows what the new ones
    /// start with. A window that is exhausted stays so.
    pub(crate) fn begin_series(&mut self, at: usize, series: u32) {
        let limit = &mut self.limits[at];
        limit.series = series;
        limit.ahead = None; // that window will not open
        limit.next_blocks = Blocks::unknown(limit.blocks.exhausted);
    }

    /// The windows of a limit lie as they do since some time in this window only.
    pub(crate) fn mark_new(&mut self, at: usize) {
        self.limits[at].is_new = true;
    }

    /// Policy changed: what next windows expect must be divided again.
    pub(crate) fn invalidate_ahead(&mut self, at: usize) {
        self.limits[at].invalidate_ahead();
    }
}

/// The same limit under another policy.
fn reconfigured(mut limit: Limit, of_policy: &LimitPolicy, policy: &Policy, effects: &mut Effects) -> Limit {
    if limit.facts.set_policy(of_policy, policy.external_use_memory) {
        effects.learn(&limit);
    }
    Limit { margins: of_policy.margins, ..limit }
}

/// The same windows under another id: they continue. What was learned of the previous limit does not apply.
fn renamed(
    limit: Limit,
    of_policy: &LimitPolicy,
    policy: &Policy,
    known: &Learned,
    effects: &mut Effects,
) -> Limit {
    let facts = Facts::new(of_policy, policy.created_at, policy.external_use_memory, Some(known));
    let budget = limit.budget.min(facts.budget());
    let limit = Limit { id: of_policy.id.clone(), margins: of_policy.margins, budget, facts, ..limit };
    effects.learn(&limit);
    limit
}

/// Whether the windows of a limit lie where they lay before.
fn has_same_windows(old: &LimitPolicy, new: &LimitPolicy) -> bool {
    (old.window, old.phase) == (new.window, new.phase)
}
