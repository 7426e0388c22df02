//! Which priority a request is served at: as the policy says now, also where it changed while the request waits.

use super::Allocator;
use crate::priority::{Priority, PriorityRule};
use crate::share::tree::NodeIx;
use crate::slab::Slot;

impl Allocator {
    /// What a team makes of priorities: its own for who names none, and the least urgent of the highest ones along its path.
    pub(super) fn priority_rule(&self, team: NodeIx) -> PriorityRule {
        let highest = self.tree.path(team).map(|v| self.tree[v].highest_priority).max().unwrap_or_default();
        PriorityRule { usual: self.tree[team].priority, highest }
    }

    /// The rule of each team that has callers.
    pub(super) fn priority_rules(&self) -> Vec<(NodeIx, PriorityRule)> {
        let teams = self.teams.iter().enumerate().filter(|(_, team)| team.is_some());
        teams.map(|(v, _)| (v, self.priority_rule(v))).collect()
    }

    /// What waits at a team is served as its rule says now. Whether the team still waits in a priority is for the caller to find
    /// out, with [`Allocator::update_waits`].
    pub(super) fn reprioritize(&mut self, team: NodeIx) {
        let Some(entry) = self.teams.get(team).and_then(Option::as_ref) else { return };
        let rule = self.priority_rule(team);
        let callers: Vec<Slot> = entry.callers.values().copied().collect();
        for caller in callers {
            self.reprioritize_caller(team, caller, rule);
        }
        for c in Priority::ALL {
            if self.lane(team, c).is_some_and(|lane| lane.is_empty()) {
                self.lane_mut(team, c).rest();
            }
            self.refresh_holds(team, c);
        }
    }

    fn reprioritize_caller(&mut self, team: NodeIx, caller: Slot, rule: PriorityRule) {
        let waited = Priority::ALL.map(|c| self.queue.first(caller, c).is_some());
        for c in Priority::ALL {
            self.hide_head(caller, c);
        }
        for (slot, before) in self.queue.reprioritize(caller, rule) {
            let request = &self.queue[slot];
            let (c, size, is_late) = (request.priority, request.min_permits, self.is_late(request));
            self.lane_mut(team, before).count_out(size, is_late);
            self.lane_mut(team, c).count_in(size, is_late);
        }
        for (c, waited) in Priority::ALL.into_iter().zip(waited) {
            if waited {
                self.show_head(caller, c);
            } else if self.queue.first(caller, c).is_some() {
                self.join(caller, c);
            }
        }
    }
}
