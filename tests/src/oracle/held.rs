//! What is kept from a grant: holdback, expected demand, protected reservations.

use super::state::{BILLION, Oracle};
use super::tree::{PRIORITIES, ROOT};
use crate::ratio::Ratio;

impl Oracle<'_> {
    /// What is left of the time to the guard: 1 when a window opens, 0 at the guard.
    fn u(&self, at: i128) -> Ratio {
        Ratio::new((self.last_call() - at).max(0), self.last_call() - self.opened())
    }

    /// The reservation in force: what the whole tree reserves is scaled to the budget.
    pub(super) fn scaled(&self, v: usize) -> Ratio {
        let reserved = self.tree.reserved(ROOT).max(1);
        let reservation = self.tree.nodes[v].reservation;
        Ratio::new(reservation * self.budget.min(reserved), reserved)
    }

    /// Whether a node has less than its reservation in force.
    pub(super) fn owed(&self, v: usize) -> bool {
        self.tree.nodes[v].reservation > 0 && Ratio::whole(self.tree.nodes[v].granted) < self.scaled(v)
    }

    /// The expected demand of a leaf that it has not yet won.
    fn unmet(&self, leaf: usize, c: usize, u: Ratio) -> i128 {
        let node = &self.tree.nodes[leaf];
        let expected = node.expected[c];
        if expected == 0 {
            return 0;
        }
        (Ratio::whole(expected) * u).ceil().min(expected - node.won[c]).max(0)
    }

    /// What is kept for a leaf: its expected demand, less what already waits.
    fn hold(&self, leaf: usize, c: usize, u: Ratio) -> i128 {
        (self.unmet(leaf, c, u) - self.tree.nodes[leaf].queued[c]).max(0)
    }

    /// What is kept for the other leaves of a priority: all their expected demand, waiting or not, where this leaf has had more than
    /// its share.
    fn kept_for_others(&self, leaf: usize, c: usize, u: Ratio) -> i128 {
        let node = &self.tree.nodes[leaf];
        let is_ahead = node.was_short[c] && node.expected[c] > 0 && node.won[c] > node.expected[c];
        let others = self.tree.leaves[ROOT].iter().filter(|&&other| other != leaf);
        others.map(|&other| if is_ahead { self.unmet(other, c, u) } else { self.hold(other, c, u) }).sum()
    }

    fn holds(&self, v: usize, c: usize, u: Ratio) -> i128 {
        self.tree.leaves[v].iter().map(|&leaf| self.hold(leaf, c, u)).sum()
    }

    /// Protected reservations of subtrees that do not wait; what is kept for a parent contains its children's.
    fn protected(&self, v: usize, u: Ratio) -> i128 {
        let inner = self.tree.children[v].iter().map(|&ch| self.protected(ch, u)).sum();
        let node = &self.tree.nodes[v];
        if !node.is_protected || node.waits_anywhere() {
            return inner;
        }
        let reservation = self.scaled(v);
        let missing = (reservation.ceil() - node.granted).max(0);
        let held: i128 = (0..PRIORITIES).map(|c| self.holds(v, c, u)).sum();
        inner.max(missing.min((reservation * u).ceil()) - held)
    }

    /// Kept at an instant from a grant of priority `c` to a leaf.
    pub(super) fn held(&self, leaf: usize, c: usize, at: i128) -> i128 {
        let u = self.u(at);
        let above = (0..c)
            .map(|k| {
                let holdback = Ratio::new(self.holdback[k] * self.budget, BILLION) * u;
                holdback.max(Ratio::whole(self.holds(ROOT, k, u)))
            })
            .fold(Ratio::ZERO, |sum, kept| sum + kept);
        above.ceil() + self.kept_for_others(leaf, c, u) + self.protected(ROOT, u)
    }

    /// The part of that which is released by time alone; the rest may end when an expected request arrives.
    pub(super) fn surely_held(&self, c: usize, at: i128) -> i128 {
        let u = self.u(at);
        let holdbacks = (0..c).map(|k| Ratio::new(self.holdback[k] * self.budget, BILLION) * u);
        holdbacks.fold(Ratio::ZERO, |sum, holdback| sum + holdback).ceil()
    }

    /// The next instant of this window at which less is held back, rounded up to a nanosecond.
    pub(super) fn next_step(&self, at: i128) -> Option<i128> {
        let u = self.u(at);
        let open = Ratio::whole(self.last_call() - self.opened());
        let step = |amount: Ratio| {
            let after = (amount * u).ceil() - 1;
            self.last_call() - (Ratio::whole(after) / amount * open).floor()
        };
        self.falling().into_iter().filter(|&amount| amount * u > Ratio::ZERO).map(step).min()
    }

    /// Every amount that falls in proportion to u and is rounded up by itself.
    fn falling(&self) -> Vec<Ratio> {
        let mut amounts: Vec<Ratio> = (1_usize..1 << PRIORITIES)
            .map(|set| {
                let share: i128 =
                    (0..PRIORITIES).filter(|k| set >> k & 1 == 1).map(|k| self.holdback[k]).sum();
                Ratio::new(share * self.budget, BILLION)
            })
            .collect();
        for v in 1..self.tree.nodes.len() {
            let node = &self.tree.nodes[v];
            if node.is_protected {
                amounts.push(self.scaled(v));
            }
            amounts.extend(node.expected.map(Ratio::whole));
        }
        amounts
    }
}
