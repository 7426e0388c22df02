//! The policy changes: in force from the next decision on, for waiting requests too; budgets from the next window.

use super::observe::learn;
use super::{Allocator, Effect};
use crate::facts::{Facts, Learned};
use crate::ids::TeamId;
use crate::ledger::{Shape, continued};
use crate::limit::Limit;
use crate::mutant::{self, Mutant};
use crate::policy::{LimitPolicy, Policy, PolicyError, TEAMS_MAX, TeamPolicy};
use crate::priority::Priority;
use crate::request::{Answer, Outcome, Reason, Refusal};
use crate::share::lane::Lane;
use crate::share::tree::{NodeIx, Tree};
use crate::time::Timestamp;
use crate::window::Grid;
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
        let (before, after) = (self.shape(), self.shape_of_policy(&old));
        let left = (before != after).then(|| self.leave_shape(now));
        self.change_limits(now, &continued(&before, &after));
        self.follow_the_grids(now);
        self.lower_budgets(since);
        self.plant(now);
        if let Some(left) = left {
            self.enter_shape(now, &left);
        }
        Ok(())
    }

    /// The shape under the policy: a limit of the same windows keeps them where the provider showed that they lie.
    fn shape_of_policy(&self, old: &Policy) -> Shape {
        let lies = |policy: &LimitPolicy| {
            let known = old.limits.iter().zip(&self.limits).find(|(old, _)| old.id == policy.id);
            match known.filter(|(old, _)| has_same_windows(old, policy)) {
                Some((_, limit)) => limit.facts.grid(),
                None => Grid::new(policy.window, policy.phase),
            }
        };
        self.policy.limits.iter().map(|policy| (policy.id.clone(), lies(policy))).collect()
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

    /// Makes the limits what the policy says. `from` tells which limit so far each of them goes on with.
    fn change_limits(&mut self, now: Timestamp, from: &[Option<usize>]) {
        // Whatever a limit is called: the provider asked for silence.
        let cooldown_until = self.limits.iter().map(|limit| limit.stop_until).max();
        let known =
            Learned { cooldown_until: cooldown_until.filter(|&until| until > now), ..Learned::default() };
        let mut old: Vec<_> = self.limits.drain(..).map(Some).collect();
        for (policy, &from) in self.policy.limits.clone().iter().zip(from) {
            let limit = match from.and_then(|place| old[place].take()) {
                Some(mut limit) if limit.id == policy.id => {
                    if limit.facts.set_policy(policy, self.policy.external_use_memory) {
                        self.effects.push_back(learn(&limit));
                    }
                    Limit { margins: policy.margins, ..limit }
                }
                Some(limit) => self.rename(limit, policy, &known),
                // Windows that lie elsewhere: the ledger knows what they start with.
                None => {
                    let series = self.next_series();
                    let limit = Limit::new(policy, &self.policy, Some(&known), series, now);
                    self.effects.push_back(learn(&limit));
                    Limit { is_new: true, ..limit }
                }
            };
            self.limits.push(limit);
        }
        self.scheduler = self.policy.scheduler();
    }

    /// The same windows under another id: they go on. What was learned was learned of the former limit.
    fn rename(&mut self, limit: Limit, policy: &LimitPolicy, known: &Learned) -> Limit {
        let external_use_memory = self.policy.external_use_memory;
        let facts = Facts::new(policy, self.policy.created_at, external_use_memory, Some(known));
        let budget = limit.budget.min(facts.budget());
        let limit = Limit { id: policy.id.clone(), margins: policy.margins, budget, facts, ..limit };
        self.effects.push_back(learn(&limit));
        limit
    }

    /// Where the new margins left no time in windows that lay as was learned, they lie as policy says again.
    fn follow_the_grids(&mut self, now: Timestamp) {
        for at in 0..self.limits.len() {
            let limit = &self.limits[at];
            if limit.facts.grid().at(limit.window.start.earliest) != limit.window {
                self.move_boundaries(at, now);
            }
        }
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
        self.uproot(now, &gone);
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
        let departed = self.former.as_mut().and_then(|former| former.departed.remove(&team.id));
        if let Some((granted, next)) = departed
            && !mutant::active(Mutant::CapStartsWithTheTeam)
        {
            (self.tree[v].granted, self.tree[v].granted_next) = (granted, next);
        }
        v
    }

    /// Removes teams with everything below them. Nothing is granted there any more, and what waits is refused, a piece at a time.
    fn uproot(&mut self, now: Timestamp, gone: &[TeamId]) {
        for id in gone {
            let Some(v) = self.names.get(id) else { continue };
            for below in self.teams_below(v).into_iter().rev() {
                self.leases.close_those_of(below);
                self.remember(below);
                let team = self.teams.get_mut(below).and_then(Option::take);
                for c in Priority::ALL {
                    self.refresh_holds(below, c);
                    self.update_waits(below, c);
                }
                for limit in &mut self.limits {
                    limit.forget(below);
                }
                self.names.remove(below);
                self.tree.remove(below);
                match team {
                    Some(team) => self.let_leave(below, team),
                    None => self.tree.free(below),
                }
            }
        }
        self.see_off(now);
    }

    /// Keeps what a team was granted, in case it comes back: its cap is the window's, whatever becomes of the team.
    fn remember(&mut self, team: NodeIx) {
        let (granted, next) = (self.tree[team].granted, self.tree[team].granted_next);
        if granted.is_zero() && next.is_zero() {
            return;
        }
        let id = self.names.iter().find(|(_, v)| *v == team).map(|(id, _)| id.clone());
        let departed = &mut self.former.get_or_insert_default().departed;
        match id.filter(|_| departed.len() < TEAMS_MAX) {
            Some(id) => {
                departed.insert(id, (granted, next));
            }
            // So many that nobody knows who they were: their permits count against every cap.
            None => {
                let booking = &mut self.limits[self.scheduler].booking;
                booking.foreign += granted;
                self.tree.foreign = booking.foreign;
            }
        }
    }

    /// Refuses everything that waits at a team, in the order in which it would be served. All of it goes at once: what changes for
    /// others is found out at the end, not after each.
    fn refuse_all(&mut self, team: NodeIx, reason: Reason) {
        for c in Priority::ALL {
            let Some(heads) = self.lane(team, c).map(Lane::heads).filter(|heads| !heads.is_empty()) else {
                continue;
            };
            for head in heads {
                while let Some(slot) = self.queue.first(head.caller, c) {
                    let ticket = self.queue.ticket(slot);
                    let Some(request) = self.queue.remove(slot) else { break };
                    if let Some(id) = request.request_id {
                        self.known.remove(&(head.caller, id));
                    }
                    let refusal = Refusal { reason, retry_at: None, limit: None };
                    self.answers.push_back(Answer { ticket, outcome: Outcome::Refused(refusal) });
                }
            }
            self.lane_mut(team, c).clear();
            self.refresh_holds(team, c);
            self.update_waits(team, c);
        }
    }
}

/// Whether the windows of a limit lie where they lay before.
fn has_same_windows(old: &LimitPolicy, new: &LimitPolicy) -> bool {
    (old.window, old.phase) == (new.window, new.phase)
}
