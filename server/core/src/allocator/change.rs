//! The policy changes: in force from the next decision on, for waiting requests too; budgets from the next window.

use super::observe::learn;
use super::{Allocator, Effect};
use crate::ids::TeamId;
use crate::limit::Limit;
use crate::permits::Permits;
use crate::policy::{Policy, PolicyError, TeamPolicy};
use crate::priority::Priority;
use crate::request::{Reason, Refusal};
use crate::share::tree::{NodeIx, Tree};
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl Allocator {
    /// Puts another policy in force. Teams and limits keep what they have under the same id; a removed team's waiting requests
    /// are refused. Call [`Allocator::decide`] next.
    ///
    /// # Errors
    /// What [`Policy::check`] says; then nothing was changed.
    pub fn set_policy(&mut self, now: Timestamp, policy: Policy) -> Result<(), PolicyError> {
        self.set_policy_since(now, now, policy)
    }

    /// The same where the former policy was in force until `since` only, and this is heard of later: a lower budget counts in
    /// windows that started after that, too.
    ///
    /// # Errors
    /// What [`Policy::check`] says; then nothing was changed.
    pub fn set_policy_since(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        policy: Policy,
    ) -> Result<(), PolicyError> {
        policy.check()?;
        self.advance(now);
        let now = now.max(self.advanced_to);
        let old = std::mem::replace(&mut self.policy, policy);
        self.change_limits(now, &old);
        self.lower_budgets(since);
        self.plant(now);
        Ok(())
    }

    /// Windows that started after the policy took force keep to it, and so do blocks that nobody has booked yet.
    fn lower_budgets(&mut self, since: Timestamp) {
        for limit in &mut self.limits {
            if limit.window.start.earliest > since {
                limit.budget = limit.budget.min(limit.next_budget());
            }
        }
        for effect in &mut self.effects {
            let Effect::Book { limit, window, budget, .. } = effect else { continue };
            let Some(known) = self.limits.iter().find(|known| known.id == *limit) else { continue };
            let is_open = window.start.earliest <= known.window.start.earliest;
            *budget = (*budget).min(if is_open { known.budget } else { known.next_budget() });
        }
    }

    fn change_limits(&mut self, now: Timestamp, old: &Policy) {
        let limits = old.limits.iter().zip(self.limits.drain(..));
        let mut old: BTreeMap<_, _> = limits.map(|(policy, limit)| (&policy.id, (policy, limit))).collect();
        for policy in &self.policy.limits {
            let limit = match old.remove(&policy.id) {
                Some((old, mut limit)) if (old.window, old.phase) == (policy.window, policy.phase) => {
                    if limit.facts.set_policy(policy, self.policy.others_memory) {
                        self.effects.push_back(learn(&limit));
                    }
                    Limit { margins: policy.margins, ..limit }
                }
                // Windows that lie elsewhere: what was granted in those before is not known of the first, so it is spent.
                _ => {
                    let mut limit = Limit::new(policy, self.policy.others_memory, None, now);
                    limit.booking.exhausted = true;
                    limit
                }
            };
            self.limits.push(limit);
        }
        self.scheduler = self.policy.scheduler();
    }

    /// Makes the tree what the policy says.
    pub(super) fn plant(&mut self, now: Timestamp) {
        let teams: BTreeMap<TeamId, TeamPolicy> =
            self.policy.teams.iter().map(|team| (team.id.clone(), team.clone())).collect();
        let moved = |id: &TeamId, v: NodeIx| {
            teams.get(id).is_none_or(|team| self.parent_of(team) != Some(self.tree.parent(v)))
        };
        let gone = self.names.iter().filter(|&(id, v)| moved(id, v)).map(|(id, _)| id.clone());
        let gone: Vec<TeamId> = gone.collect();
        self.uproot(&gone);
        let before = self.priority_rules();
        self.tree.reserve(self.policy.teams.len());
        self.names.reserve(self.policy.teams.len());
        for team in self.policy.teams.clone() {
            self.root_in(&team, &teams);
        }
        for (id, v) in self.names.iter() {
            self.tree.configure(v, &teams[id]);
        }
        for (team, rule) in before {
            if self.priority_rule(team) != rule {
                self.reprioritize(team);
            }
        }
        self.reserved = self.tree.reserved(Tree::ROOT);
        self.any_protected = teams.values().any(|team| team.protected && !team.reservation.is_zero());
        for v in self.teams_below(Tree::ROOT) {
            if self.tree[v].is_leaf() {
                self.refuse_impossible(v);
            } else {
                self.refuse_all(v, Reason::TeamHasParts);
            }
            for c in Priority::ALL {
                self.update_waits(v, c);
            }
        }
        for at in 0..self.limits.len() {
            self.decay_limit(at, now);
            self.limits[at].outdate();
        }
    }

    fn parent_of(&self, team: &TeamPolicy) -> Option<NodeIx> {
        match &team.parent {
            None => Some(Tree::ROOT),
            Some(parent) => self.names.get(parent),
        }
    }

    /// Adds a team and, before it, the teams that it is part of.
    fn root_in(&mut self, team: &TeamPolicy, teams: &BTreeMap<TeamId, TeamPolicy>) -> NodeIx {
        if let Some(v) = self.names.get(&team.id) {
            return v;
        }
        let parent = team.parent.as_ref().map_or(Tree::ROOT, |parent| self.root_in(&teams[parent], teams));
        let v = self.tree.add(parent);
        self.names.insert(team.id.clone(), v);
        v
    }

    /// Removes teams with everything below them; what waits there is refused.
    fn uproot(&mut self, gone: &[TeamId]) {
        for id in gone {
            let Some(v) = self.names.get(id) else { continue };
            for below in self.teams_below(v).into_iter().rev() {
                self.refuse_all(below, Reason::UnknownTeam);
                self.leases.drop_those_of(below);
                if let Some(team) = self.teams.get_mut(below).and_then(Option::take) {
                    for caller in team.callers.into_values() {
                        self.queue.callers.remove(caller);
                        self.known.retain(|(of, _), _| *of != caller);
                    }
                }
                for limit in &mut self.limits {
                    limit.forget(below);
                }
                self.names.remove(below);
                self.tree.remove(below);
            }
        }
    }

    /// Refuses everything that waits at a team.
    fn refuse_all(&mut self, team: NodeIx, reason: Reason) {
        for c in Priority::ALL {
            while let Some((_, head)) = self.lane(team, c).and_then(|lane| lane.pick(Permits::MAX)) {
                let Some(first) = self.queue.first(head.caller, c) else { break };
                self.refuse(first, Refusal { reason, retry_at: None, limit: None });
            }
        }
    }
}
