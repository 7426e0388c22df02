//! The granting side of a node with the real allocator: one for each workspace, as a server would run them.
//!
//! Passes the shard's replies to the allocators, and turns the allocators' effects into wishes. Decides nothing about who is granted
//! what.

use super::grants::{Ask, Granted, Grants, Policies, Wish};
use super::plan::Plan;
use super::served::{Served, caller, team};
use apportion_core::allocator::{Allocator, Effect, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::facts::Learned;
use apportion_core::host;
use apportion_core::ids::{LimitId, RequestId, WorkspaceId};
use apportion_core::ledger::{LearnedLimits, MarkKey, ShardReply};
use apportion_core::observation::{Observation, Reset};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Policy, TeamPolicy};
use apportion_core::request::Usage;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The largest request of a client.
const LARGEST: u64 = 3;

/// The real allocators of a node.
pub struct Shared {
    plan: Rc<Plan>,
    policies: Policies,
    /// Budgets learned since the shard is served, which no policy replaces: the judge holds them against every later one.
    learned: BTreeMap<(WorkspaceId, LimitId), Permits>,
    served: BTreeMap<WorkspaceId, Served>,
    latest: Timestamp,
}

impl Shared {
    /// Nothing is served yet.
    pub fn new(plan: Rc<Plan>) -> Self {
        Self {
            plan,
            policies: Policies::new(),
            learned: BTreeMap::new(),
            served: BTreeMap::new(),
            latest: Timestamp::ZERO,
        }
    }

    /// The policy of a workspace: its limits, a capped team and one without a cap.
    fn policy(&self, workspace: &WorkspaceId) -> Option<Policy> {
        let (_, budgets, _) = self.policies.get(workspace)?;
        let (mut limits, mut cap) = (Vec::new(), None);
        for (_, rule) in self.plan.rules_of(workspace) {
            let learned = self.learned.get(&(workspace.clone(), rule.limit.clone())).copied();
            limits.push(LimitPolicy {
                id: rule.limit.clone(),
                permits: budgets[rule.place].min(learned.unwrap_or(Permits::MAX)),
                window: rule.grid.length(),
                phase: rule.grid.phase(),
                margins: self.plan.margins,
            });
            cap = if rule.caps { Some(rule.cap) } else { cap };
        }
        let teams = [true, false].map(|capped| {
            let cap = if capped { cap } else { None };
            TeamPolicy { cap, ..TeamPolicy::new(team(capped)) }
        });
        let first = limits.first()?.clone();
        let largest_lease = Some(Permits::clamped(LARGEST));
        Some(Policy { limits, largest_lease, ..Policy::plain(first, teams.into()) })
    }

    fn of(&mut self, rule: usize) -> Option<(&mut Served, LimitId)> {
        let rule = &self.plan.rules[rule];
        Some((self.served.get_mut(&rule.workspace)?, rule.limit.clone()))
    }
}

impl Grants for Shared {
    fn policies(&mut self, now: Timestamp, policies: &Policies) {
        self.policies.clone_from(policies);
        for workspace in self.plan.workspaces.clone() {
            let policy = self.policy(&workspace).zip(policies.get(&workspace));
            if let (Some(served), Some((policy, (.., since)))) = (self.served.get_mut(&workspace), policy) {
                served.allocator.set_policy_since(now, *since, policy).expect("a policy");
            }
        }
    }

    fn opened(&mut self, now: Timestamp, workspace: &WorkspaceId, life: u64, learned: &LearnedLimits) {
        self.lost(workspace);
        let Some(policy) = self.policy(workspace) else { return };
        let allocator =
            Allocator::with_learned(policy, Bounds::DEFAULT, learned, life, now).expect("a policy");
        self.served.insert(workspace.clone(), Served::new(allocator));
        let budgets = learned.iter();
        self.learned.extend(
            budgets.filter_map(|(limit, of)| Some(((workspace.clone(), limit.clone()), of.permits?))),
        );
    }

    fn lay(&mut self, _rule: usize, _grid: Grid) {}

    fn replied(&mut self, workspace: &WorkspaceId, reply: ShardReply) {
        if let Some(served) = self.served.get_mut(workspace) {
            host::apply_reply(&mut served.allocator, reply);
        }
    }

    fn lost(&mut self, workspace: &WorkspaceId) {
        self.served.remove(workspace);
        self.learned.retain(|(of, _), _| of != workspace);
    }

    /// An allocator's time never goes back. Where the clock was set back by more than ε allows, what was booked is
    /// given up for new allocators: they take it for what another node granted.
    fn wind_back(&mut self, now: Timestamp) -> Vec<WorkspaceId> {
        let within = self.plan.horizon.clock_error;
        if self.latest.since(now) <= within + within {
            return Vec::new();
        }
        self.latest = now;
        let served: Vec<_> = self.served.keys().cloned().collect();
        served.iter().for_each(|workspace| self.lost(workspace));
        served
    }

    fn submit(&mut self, now: Timestamp, request: u64, ask: &Ask, deadline: Timestamp) {
        let Some(served) = self.served.get_mut(&ask.workspace) else { return };
        let ask = apportion_core::request::Ask {
            team: team(ask.capped),
            caller: caller(),
            priority: None,
            permits: ask.permits,
            min_permits: ask.permits,
            deadline,
            request_id: Some(RequestId::new(&format!("r{request}")).expect("a name")),
        };
        if let Ok(Submitted::Waits(ticket)) = served.allocator.submit(now, &ask) {
            served.tickets.insert(ticket, request);
        }
    }

    fn decide(&mut self, now: Timestamp) {
        self.latest = self.latest.max(now);
        self.served.iter_mut().for_each(|(workspace, served)| served.decide(now, workspace));
    }

    fn withdraw(&mut self, now: Timestamp, request: u64, ask: &Ask) {
        let Some(served) = self.served.get_mut(&ask.workspace) else { return };
        let ticket = served.tickets.iter().find(|(_, of)| **of == request).map(|(ticket, _)| *ticket);
        if let Some(ticket) = ticket {
            served.allocator.cancel(now, ticket);
            served.tickets.remove(&ticket);
        }
    }

    fn grant(&mut self, _now: Timestamp, request: u64, ask: &Ask) -> Option<Granted> {
        self.served.get_mut(&ask.workspace)?.answered.remove(&request)
    }

    fn give_back(
        &mut self,
        now: Timestamp,
        request: u64,
        _granted: &Granted,
        ask: &Ask,
        permits: Permits,
    ) -> Permits {
        let Some(served) = self.served.get_mut(&ask.workspace) else { return Permits::ZERO };
        let Some(&lease) = served.leases.get(&request) else { return Permits::ZERO };
        let (team, used) = (team(ask.capped), ask.permits - permits);
        let settled = served.allocator.settle(
            now,
            lease,
            (&team, &caller()),
            Usage { used, returned: permits, is_final: true },
        );
        settled.expect("its own lease").accepted
    }

    fn observe(&mut self, now: Timestamp, rule: usize, budget: Option<Permits>, phase: Span) -> bool {
        let length = self.plan.rules[rule].grid.length();
        let at = Grid::new(length, phase).at(now).end.earliest;
        let Some((served, limit)) = self.of(rule) else { return true };
        for lease in served.newest.clone() {
            let observation = Observation {
                lease: Some(lease),
                permits: budget,
                reset: Some(Reset { at, within: Span::ZERO }),
                ..Observation::new(limit.clone())
            };
            served.allocator.observe(now, &observation);
        }
        true
    }

    fn throttled(&mut self, now: Timestamp, rule: usize) {
        if let Some((served, limit)) = self.of(rule) {
            let lease = served.newest.front().copied();
            let observation = Observation { lease, throttled: true, ..Observation::new(limit) };
            served.allocator.observe(now, &observation);
        }
    }

    fn free(&self, _key: &MarkKey) -> Option<Permits> {
        None
    }

    /// As the server reckons: what was booked and is not free. A window that no allocator knows any more is not named: nothing
    /// of it is to go back.
    fn granted(
        &self,
        of: &dyn Fn(&WorkspaceId) -> bool,
        booked: &dyn Fn(&MarkKey) -> Permits,
    ) -> Vec<(MarkKey, Permits)> {
        let mut granted = BTreeMap::new();
        for (workspace, served) in self.served.iter().filter(|(workspace, _)| of(workspace)) {
            for (limit, window_start, unspent) in served.allocator.unspent() {
                let key = MarkKey { workspace: workspace.clone(), limit: limit.clone(), window_start };
                let of_it = booked(&key).less(unspent);
                granted.insert(key, of_it);
            }
        }
        granted.into_iter().collect()
    }

    fn wishes(&mut self) -> Option<Vec<Wish>> {
        let (mut wishes, plan) = (Vec::new(), Rc::clone(&self.plan));
        for (workspace, served) in &mut self.served {
            while let Some(effect) = served.allocator.next_effect() {
                let limit = match &effect {
                    Effect::Book { limit, .. }
                    | Effect::Learn { limit, .. }
                    | Effect::Exhausted { limit, .. } => limit,
                    Effect::State(statement) => {
                        let statement = statement.clone();
                        wishes.push(Wish::State { workspace: workspace.clone(), statement });
                        continue;
                    }
                };
                let mut rules = plan.rules_of(workspace);
                let (rule, _) = rules.find(|(_, rule)| rule.limit == *limit).expect("a limit of the plan");
                wishes.push(match effect {
                    Effect::Book { series, window, permits, budget, .. } => {
                        Wish::Block { rule, series, window, permits, budget }
                    }
                    Effect::State(_) => continue,
                    // The node writes it down by itself.
                    Effect::Exhausted { .. } => continue,
                    Effect::Learn { limit, learned } => {
                        let limit = (workspace.clone(), limit);
                        let permits = learned.permits.or(self.learned.get(&limit).copied());
                        permits.map(|permits| self.learned.insert(limit, permits));
                        Wish::Learn { rule, learned: Learned { permits, ..learned } }
                    }
                });
            }
        }
        Some(wishes)
    }
}
