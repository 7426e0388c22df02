//! Scripts against one tree: whose children are whose, and what is left of tags.

use super::tag::step;
use super::tree::{NodeIx, Tree};
use super::turns::{Charge, TeamService, Turns};
use super::waterfill::divide;
use crate::permits::Permits;
use crate::priority::Priority;

#[test]
fn children_stand_in_order_of_definition_however_nodes_come_and_go() {
    let mut tree = Tree::new();
    let (a, b) = (tree.add(NodeIx::ROOT), tree.add(NodeIx::ROOT));
    let (b1, a1, b2) = (tree.add(b), tree.add(a), tree.add(b));
    let c = tree.add(NodeIx::ROOT);
    assert_eq!((tree.children(NodeIx::ROOT), tree.children(a)), ([a, b, c].as_slice(), [a1].as_slice()));
    assert_eq!((tree.children(b), tree.parent(b2)), ([b1, b2].as_slice(), b));
    tree.remove(a1);
    tree.remove(b1);
    let c1 = tree.add(c);
    assert!(![a1, b1].contains(&c1), "the place of a removed node is kept until it is free");
    tree.remove(c1);
    [a1, b1, c1].into_iter().for_each(|v| tree.free(v));
    let (b3, a2) = (tree.add(b), tree.add(a));
    assert_eq!((tree.children(b), tree.children(a)), ([b2, b3].as_slice(), [a2].as_slice()));
    tree.remove(c);
    assert_eq!((tree.children(NodeIx::ROOT), tree.children(b)), ([a, b].as_slice(), [b2, b3].as_slice()));
    assert_eq!(tree.places(), 8);
}

#[test]
fn tags_are_kept_over_a_windows_start_only_while_somebody_waits() {
    let mut tree = Tree::new();
    let (a, b) = (tree.add(NodeIx::ROOT), tree.add(NodeIx::ROOT));
    let (c, mut turns) = (Priority::Default, Turns::default());
    turns.join(a, c, &tree);
    turns.join(b, c, &tree);
    let service = TeamService { team: a, priority: c, permits: Permits::ONE, reserved_at: None };
    turns.charge(&service, Charge::Granted, &tree);
    turns.leave(a, c, &tree);
    turns.bound(Permits::MAX, Permits::ONE, &tree);
    assert_eq!((turns.has_tags(), turns.tag(a, c).value), (true, step(Permits::ONE, 1)));
    turns.leave(b, c, &tree);
    turns.bound(Permits::MAX, Permits::ONE, &tree);
    assert!(!turns.has_tags());
    turns.join(a, c, &tree);
    assert_eq!((turns.tag(a, c).value, turns.tag(a, c).waits, turns.waits(b)), (0, true, false));
}

#[test]
fn a_part_that_is_whole_in_the_end_is_not_rounded_down_for_a_fraction_on_the_way() {
    let mut tree = Tree::new();
    let (third, rest) = (tree.add(NodeIx::ROOT), tree.add(NodeIx::ROOT));
    let (most, least) = (tree.add(third), tree.add(third));
    tree[rest].weight = 2;
    tree[most].weight = 3;
    let mut parts = vec![0; tree.places()];
    divide(&tree, 40_000_000_000, &vec![u64::MAX; tree.places()], &mut |v, n| parts[v.place()] = n);
    // A third of forty is no whole number, but three quarters of it are.
    assert_eq!((parts[most.place()], parts[least.place()], parts[rest.place()]), (10, 3, 26));
}
