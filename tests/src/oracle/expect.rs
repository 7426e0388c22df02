//! Expected demand: what each leaf is expected to ask for in the window that starts.

use super::state::{BILLION, Oracle};
use super::tree::{PRIORITIES, ROOT};
use crate::ratio::Ratio;

/// What each leaf would take of a priority; none: without bound.
type Wishes = Vec<Option<i128>>;

impl Oracle<'_> {
    /// A leaf will ask for what it won in the last window, or without bound if it was cut short there; divided by
    /// water-filling, higher priorities first.
    pub(super) fn expect(&mut self) {
        let mut left = Ratio::whole(self.budget);
        for c in 0..PRIORITIES {
            let below: i128 = (c + 1..PRIORITIES)
                .filter(|&k| self.had_demand(k))
                .map(|k| self.floor[k] * self.budget)
                .sum();
            let amount = (left - Ratio::new(below, BILLION)).max(Ratio::ZERO);
            self.divide(ROOT, amount, &self.wishes(c), c);
            let given: i128 =
                self.tree.leaves[ROOT].iter().map(|&leaf| self.tree.nodes[leaf].expected[c]).sum();
            left = left - Ratio::whole(given);
        }
        self.tree.forget_demand();
    }

    fn had_demand(&self, c: usize) -> bool {
        self.tree.nodes.iter().any(|leaf| leaf.short[c] || leaf.won[c] != 0)
    }

    fn wishes(&self, c: usize) -> Wishes {
        self.tree.nodes.iter().map(|leaf| (!leaf.short[c]).then_some(leaf.won[c])).collect()
    }

    /// What a subtree would take, as far as the cap of its top lets it.
    fn asks(&self, v: usize, wishes: &Wishes) -> Option<i128> {
        let wish = self.tree.leaves[v].iter().map(|&leaf| wishes[leaf]).sum::<Option<i128>>();
        match (wish, self.tree.nodes[v].cap) {
            (Some(wish), Some(cap)) => Some(wish.min(cap)),
            (wish, cap) => wish.or(cap),
        }
    }

    fn divide(&mut self, v: usize, amount: Ratio, wishes: &Wishes, c: usize) {
        let children = self.tree.children[v].clone();
        if children.is_empty() {
            self.tree.nodes[v].expected[c] = amount.floor();
            return;
        }
        let asks: Vec<_> = children.iter().map(|&ch| self.asks(ch, wishes)).collect();
        let weights: Vec<_> = children.iter().map(|&ch| self.tree.nodes[ch].weight).collect();
        for (&ch, share) in children.iter().zip(shares(amount, &asks, &weights)) {
            self.divide(ch, share, wishes, c);
        }
    }
}

/// Weighted max-min shares of `amount`: a demand below the common level is served in full.
fn shares(amount: Ratio, asks: &[Option<i128>], weights: &[i128]) -> Vec<Ratio> {
    let mut shares = vec![Ratio::ZERO; asks.len()];
    let mut open: Vec<usize> = (0..asks.len()).filter(|&k| asks[k] != Some(0)).collect();
    let mut left = amount;
    while !open.is_empty() {
        let level = left / Ratio::whole(open.iter().map(|&k| weights[k]).sum());
        let share = |k: usize| level * Ratio::whole(weights[k]);
        let full = |k: usize| asks[k].map(Ratio::whole).filter(|&asks| asks <= share(k));
        let (served, rest): (Vec<_>, Vec<_>) = open.iter().partition(|&&k| full(k).is_some());
        if served.is_empty() {
            for k in rest {
                shares[k] = share(k);
            }
            break;
        }
        for &k in &served {
            shares[k] = full(k).unwrap_or(Ratio::ZERO);
        }
        left = served.iter().fold(left, |left, &k| left - shares[k]);
        open = rest;
    }
    shares
}
