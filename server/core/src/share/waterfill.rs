//! Weighted max-min shares of an amount, from the top of the tree down.

use crate::share::tree::{NodeIx, Tree};

/// Fractional bits of an amount: enough for four levels of weights to be off by far less than a permit.
const FRACTION: u32 = 40;
/// Rounding down forgives this much, so that a whole number that was cut on the way stays whole.
const FORGIVEN: u128 = 1 << 20;

/// Divides `amount` billionths of a permit over what the leaves below the root ask for (`u64::MAX`: without bound).
/// Calls `give` with each leaf's whole permits, rounded down.
pub(crate) fn divide(tree: &Tree, amount: u64, demand: &[u64], give: &mut impl FnMut(NodeIx, u64)) {
    let fixed = (u128::from(amount) << FRACTION) / 1_000_000_000;
    below(tree, Tree::ROOT, fixed, demand, give);
}

fn below(tree: &Tree, v: NodeIx, amount: u128, demand: &[u64], give: &mut impl FnMut(NodeIx, u64)) {
    let node = &tree[v];
    if node.is_leaf() {
        give(v, u64::try_from((amount + FORGIVEN) >> FRACTION).unwrap_or(u64::MAX));
        return;
    }
    let mut open: Vec<(NodeIx, u128)> = tree
        .children(v)
        .iter()
        .map(|&child| (child, u128::from(asked(tree, child, demand)) << FRACTION))
        .filter(|&(_, ask)| ask > 0)
        .collect();
    let mut left = amount;
    while !open.is_empty() {
        let weights: u128 = open.iter().map(|&(child, _)| u128::from(tree[child].weight)).sum();
        let full = |&(child, ask): &(NodeIx, u128)| ask * weights <= left * u128::from(tree[child].weight);
        let (served, rest): (Vec<_>, Vec<_>) = open.iter().copied().partition(full);
        if served.is_empty() {
            for (child, _) in rest {
                below(tree, child, left * u128::from(tree[child].weight) / weights, demand, give);
            }
            return;
        }
        for (child, ask) in served {
            left = left.saturating_sub(ask);
            below(tree, child, ask, demand, give);
        }
        open = rest;
    }
}

/// What a node asks for: what the leaves below it ask for, within its cap and those below.
fn asked(tree: &Tree, v: NodeIx, demand: &[u64]) -> u64 {
    let node = &tree[v];
    let sum = match tree.children(v) {
        [] => demand[v],
        children => children.iter().fold(0_u64, |sum, &child| sum.saturating_add(raw(tree, child, demand))),
    };
    // No budget is larger than this, and the products above must fit.
    node.cap.map_or(sum, |cap| sum.min(u64::from(cap))).min(1 << 40)
}

/// What the leaves below a node ask for, caps aside.
fn raw(tree: &Tree, v: NodeIx, demand: &[u64]) -> u64 {
    match tree.children(v) {
        [] => demand[v],
        children => children.iter().fold(0_u64, |sum, &child| sum.saturating_add(raw(tree, child, demand))),
    }
}
