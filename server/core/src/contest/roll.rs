//! A window of the primary limit starts: what counts in one window begins again, and idle callers are forgotten.

use super::state::Contest;
use crate::permits::Permits;
use crate::policy::Policy;
use crate::priority::{PerPriority, Priority};
use crate::queue::Caller;
use crate::replies::Replies;
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::windows::Windows;
use std::collections::BTreeSet;

impl Contest {
    /// A window ends: teams with a request that came before its close and still waits were cut short.
    pub(crate) fn note_cut_short(&self, windows: &mut Windows) {
        for team in self.backlog.teams() {
            for c in Priority::ALL {
                if self.backlog.waits_since_before_close(team, c) {
                    windows.cut_short(team, c);
                }
            }
        }
    }

    /// A window starts, with the floors that are carried over into it.
    pub(crate) fn roll(&mut self, policy: &Policy, windows: &mut Windows, replies: &mut Replies) {
        let heads = PerPriority(Priority::ALL.map(|c| self.backlog.largest_head(c)));
        let largest = windows.carry_floors(policy, &heads);
        self.tree.roll(windows.primary().blocks.booked_elsewhere);
        if let Some(removed) = &mut self.removed {
            removed.roll();
        }
        self.turns.bound(windows.primary().budget, largest, &self.tree);
        for team in self.backlog.teams() {
            self.wake(team, windows, replies);
        }
        self.forget_idle(windows.count(), replies);
    }

    /// Heads that a cap stopped compete again, without credit; those that can never be granted go.
    fn wake(&mut self, team: NodeIx, windows: &mut Windows, replies: &mut Replies) {
        if self.backlog.team(team).is_some() {
            self.backlog.reset_late(team);
            self.review(team, windows, replies);
        }
    }

    /// Callers that neither wait nor hold a lease since the last window are forgotten with their request ids, and teams without
    /// callers cost nothing.
    fn forget_idle(&mut self, window: u64, replies: &mut Replies) {
        let is_idle = |caller: &Caller| caller.is_idle(window) && !self.tree[caller.team].is_removed;
        let idle = self.queue().callers.iter().filter(|(_, caller)| is_idle(caller));
        let idle: BTreeSet<Slot> = idle.map(|(slot, _)| slot).collect();
        if !idle.is_empty() {
            self.backlog.forget_callers(&idle);
            replies.ids.forget_all_of(&idle);
        }
        if self.queue().callers.len() == 0 {
            self.backlog.clear();
        }
    }

    /// Caps count in the windows of another limit from now on. What no team is known to have been granted in them counts as
    /// granted to every team.
    pub(crate) fn recount(&mut self, windows: &mut Windows) {
        for v in self.tree.all() {
            self.tree[v].granted = Permits::ZERO;
        }
        let mut known = Permits::ZERO;
        for team in self.tree.below(NodeIx::ROOT) {
            if self.tree[team].is_leaf() {
                let holdback = &windows.primary().holdback;
                let granted: u64 = Priority::ALL.iter().map(|&c| holdback.granted_to(team, c)).sum();
                let granted = Permits::clamped(granted);
                known += granted;
                self.tree.for_path(team, |node| node.granted += granted);
            }
        }
        let (elsewhere, next) = windows.count_all_but(known);
        self.tree.granted_elsewhere = elsewhere;
        for v in self.tree.all() {
            self.tree[v].granted_next = next;
        }
    }
}
