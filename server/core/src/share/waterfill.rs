//! Weighted max-min shares of an amount, from the top of the tree down.

use crate::policy::BILLION;
use crate::share::tree::{NodeIx, Tree};

/// Fractional bits of an amount: enough for four levels of weights to be off by far less than a permit.
const FRACTION: u32 = 40;
/// Rounding down forgives this much, so that a whole number that was cut on the way stays whole.
const FORGIVEN: u128 = 1 << 20;
/// No budget is larger than this, and products of a demand, in fractional bits, with all weights fit.
const DEMAND_MAX: u64 = 1 << 40;

/// Divides `amount` billionths of a permit over what the leaves below the root ask for (`u64::MAX`: without bound).
/// Calls `give` with each leaf's whole permits, rounded down.
pub(crate) fn divide(tree: &Tree, amount: u64, demand: &[u64], give: &mut impl FnMut(NodeIx, u64)) {
    let fixed = (u128::from(amount) << FRACTION) / u128::from(BILLION);
    divide_below(tree, NodeIx::ROOT, fixed, demand, give);
}

fn divide_below(tree: &Tree, v: NodeIx, amount: u128, demand: &[u64], give: &mut impl FnMut(NodeIx, u64)) {
    if tree[v].is_leaf() {
        give(v, u64::try_from((amount + FORGIVEN) >> FRACTION).unwrap_or(u64::MAX));
        return;
    }
    let weight = |child: NodeIx| u128::from(tree[child].weight);
    let asks = tree.children(v).iter().map(|&child| (child, asked(tree, child, demand)));
    let mut open: Vec<(NodeIx, u128)> = asks.filter(|&(_, ask)| ask > 0).collect();
    let mut left = amount;
    while !open.is_empty() {
        let weights: u128 = open.iter().map(|&(child, _)| weight(child)).sum();
        let is_satisfied = |&(child, ask): &(NodeIx, u128)| ask * weights <= left * weight(child);
        let (satisfied, rest): (Vec<_>, Vec<_>) = open.iter().copied().partition(is_satisfied);
        if satisfied.is_empty() {
            let part = |child: NodeIx| left * weight(child) / weights;
            debug_assert!(rest.iter().map(|&(child, _)| part(child)).sum::<u128>() <= left);
            rest.iter().for_each(|&(child, _)| divide_below(tree, child, part(child), demand, give));
            return;
        }
        debug_assert!(satisfied.iter().map(|&(_, ask)| ask).sum::<u128>() <= left);
        for (child, ask) in satisfied {
            left -= ask;
            divide_below(tree, child, ask, demand, give);
        }
        open = rest;
    }
}

/// What a node asks for, in fractional bits: what the leaves below it ask for, within its own cap. Caps further down do not
/// lower it; they apply where its part is divided, and what they leave over is not divided again.
fn asked(tree: &Tree, v: NodeIx, demand: &[u64]) -> u128 {
    let sum = asked_below(tree, v, demand);
    u128::from(tree[v].cap.map_or(sum, |cap| sum.min(u64::from(cap))).min(DEMAND_MAX)) << FRACTION
}

/// What the leaves below a node ask for, caps aside.
fn asked_below(tree: &Tree, v: NodeIx, demand: &[u64]) -> u64 {
    match tree.children(v) {
        [] => demand[v.place()],
        children => {
            let parts = children.iter().map(|&child| asked_below(tree, child, demand));
            parts.fold(0, u64::saturating_add)
        }
    }
}
