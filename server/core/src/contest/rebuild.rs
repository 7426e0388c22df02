//! Rebuilds the tree from a policy: teams are added, changed, moved and removed.

use super::state::Contest;
use crate::ids::TeamId;
use crate::lease::Leases;
use crate::mutant::{self, Mutant};
use crate::policy::{Policy, TeamPolicy};
use crate::priority::{Priority, PriorityRule};
use crate::replies::Replies;
use crate::request::{Reason, Refusal};
use crate::share::lane::Lane;
use crate::share::tree::NodeIx;
use crate::time::Timestamp;
use crate::windows::Windows;
use std::collections::BTreeMap;

/// What the tree is rebuilt from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rebuild<'a> {
    pub(crate) now: Timestamp,
    pub(crate) policy: &'a Policy,
    /// How many requests, ids and callers of removed teams are dropped at once.
    pub(crate) removed_at_once: u32,
}

type Teams<'a> = BTreeMap<&'a TeamId, &'a TeamPolicy>;

impl Contest {
    /// Rebuilds the tree from the policy. Refuses waiting requests of removed teams, and those that can never be granted any more.
    pub(crate) fn rebuild(
        &mut self,
        rebuild: &Rebuild<'_>,
        windows: &mut Windows,
        leases: &mut Leases,
        replies: &mut Replies,
    ) {
        let policy = rebuild.policy;
        let teams: Teams<'_> = policy.teams.iter().map(|team| (&team.id, team)).collect();
        self.remove_teams(&teams, windows, leases);
        self.refuse_removed(rebuild.now, rebuild.removed_at_once, replies);
        let rules_before = self.priority_rules();
        self.add_teams(policy, &teams);
        self.configure(&teams);
        for (team, before) in rules_before {
            let rule = self.tree.priority_rule(team);
            if rule != before {
                self.reprioritize(team, rule, windows);
            }
        }
        for v in self.tree.below(NodeIx::ROOT) {
            if self.tree[v].is_leaf() {
                self.refuse_impossible(v, windows, replies);
            } else {
                self.refuse_all(v, Reason::TeamHasParts, windows, replies);
            }
            self.update_all_waits(v);
        }
    }

    /// Removes the teams that policy has no more, or in another place, with everything below them.
    fn remove_teams(&mut self, teams: &Teams<'_>, windows: &mut Windows, leases: &mut Leases) {
        let has_moved = |id: &TeamId, v: NodeIx| {
            teams.get(id).is_none_or(|team| self.parent_of(team) != Some(self.tree.parent(v)))
        };
        let gone = self.names.iter().filter(|&(id, v)| has_moved(id, v)).map(|(id, _)| id.clone());
        let gone: Vec<TeamId> = gone.collect();
        for id in gone {
            let Some(v) = self.names.get(&id) else { continue };
            for below in self.tree.below(v).into_iter().rev() {
                self.remove(below, windows, leases);
            }
            self.remove(v, windows, leases);
        }
    }

    /// Removes a team without parts. Nothing is granted there any more, and what waits is refused by and by.
    fn remove(&mut self, v: NodeIx, windows: &mut Windows, leases: &mut Leases) {
        leases.close_those_of(v);
        self.remember_grants(v, windows);
        let team = self.backlog.remove_team(v);
        for c in Priority::ALL {
            self.refresh_holds(v, c, windows);
            self.update_waits(v, c);
        }
        windows.forget(v);
        self.names.remove(v);
        debug_assert!(!self.turns.waits(v));
        self.tree.remove(v);
        match team {
            Some(team) => self.removed.get_or_insert_default().add(v, team),
            None => self.tree.free(v),
        }
    }

    /// Keeps what a team was granted, in case it comes back.
    fn remember_grants(&mut self, v: NodeIx, windows: &mut Windows) {
        let granted = (self.tree[v].granted, self.tree[v].granted_next);
        if granted.0.is_zero() && granted.1.is_zero() {
            return;
        }
        let removed = self.removed.get_or_insert_default();
        if !self.names.of(v).is_some_and(|id| removed.remember(id.clone(), granted)) {
            // Too many to remember each: their permits count against every cap.
            self.tree.granted_elsewhere = windows.count_elsewhere(granted.0);
        }
    }

    fn parent_of(&self, team: &TeamPolicy) -> Option<NodeIx> {
        match &team.parent {
            None => Some(NodeIx::ROOT),
            Some(parent) => self.names.get(parent),
        }
    }

    fn add_teams(&mut self, policy: &Policy, teams: &Teams<'_>) {
        self.tree.reserve(policy.teams.len());
        self.names.reserve(policy.teams.len());
        for team in &policy.teams {
            self.add(team, teams);
        }
    }

    /// Adds a team and, before it, the teams that it is part of.
    fn add(&mut self, team: &TeamPolicy, teams: &Teams<'_>) -> NodeIx {
        if let Some(v) = self.names.get(&team.id) {
            return v;
        }
        let parent = team.parent.as_ref().map_or(NodeIx::ROOT, |parent| self.add(teams[parent], teams));
        let v = self.tree.add(parent);
        self.turns.add(v, &self.tree);
        self.names.insert(team.id.clone(), v);
        let granted = self.removed.as_mut().and_then(|removed| removed.recall(&team.id));
        if let Some(granted) = granted.filter(|_| !mutant::active(Mutant::CapStartsWithTheTeam)) {
            (self.tree[v].granted, self.tree[v].granted_next) = granted;
        }
        v
    }

    fn configure(&mut self, teams: &Teams<'_>) {
        for (id, v) in self.names.iter() {
            let team = teams[id];
            self.turns.reweigh(v, &self.tree, team.weight);
            self.tree.configure(v, team);
        }
        self.reserved = self.tree.reserved(NodeIx::ROOT);
        self.has_protected = teams.values().any(|team| team.protected && !team.reservation.is_zero());
    }

    /// The rule of each team that has callers.
    fn priority_rules(&self) -> Vec<(NodeIx, PriorityRule)> {
        let teams = self.backlog.teams().filter(|&team| self.backlog.team(team).is_some());
        teams.map(|team| (team, self.tree.priority_rule(team))).collect()
    }

    /// Applies a priority rule to what waits at a team.
    fn reprioritize(&mut self, team: NodeIx, rule: PriorityRule, windows: &mut Windows) {
        self.backlog.reprioritize(team, rule, windows.primary().closes());
        Priority::ALL.into_iter().for_each(|c| self.refresh_holds(team, c, windows));
    }

    /// Refuses everything that waits at a team, in the order in which it would be served. Other teams are updated only
    /// when all of it is out.
    fn refuse_all(&mut self, team: NodeIx, reason: Reason, windows: &mut Windows, replies: &mut Replies) {
        for c in Priority::ALL {
            if self.backlog.lane(team, c).is_none_or(Lane::is_empty) {
                continue;
            }
            for caller in self.backlog.clear_lane(team, c) {
                while let Some(slot) = self.queue().first(caller, c) {
                    let ticket = self.queue().ticket(slot);
                    let Some(request) = self.backlog.take_unlisted(slot) else { break };
                    replies.forget(&request);
                    replies.refuse(ticket, Refusal { reason, retry_at: None, limit: None });
                }
            }
            self.refresh_holds(team, c, windows);
            self.update_waits(team, c);
        }
    }
}
