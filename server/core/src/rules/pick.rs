//! Which head is next: only heads that fit compete, tags decide among them at every level of the tree.

use super::bounds::{Bound, Within};
use super::view::Rules;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::tag::{Mean, NodeTag, step};
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;
use crate::windows::side::Side;

/// A head that may be granted now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Candidate {
    pub(crate) caller: Slot,
    pub(crate) priority: Priority,
    /// The least that it takes.
    least: Permits,
    /// The most that it may be given.
    pub(crate) most: Permits,
}

impl Rules<'_> {
    /// The head that a reservation has served next, and the node that holds the reservation: of the nodes below theirs, the one that
    /// was granted the least part of it comes first.
    pub(crate) fn pick_reserved(&self, now: Timestamp, is_edge: bool) -> Option<(NodeIx, Candidate)> {
        let left = self.windows.least_left();
        if self.contest.reserved() == 0 || left.is_zero() {
            return None;
        }
        let mut best: Option<(NodeIx, Candidate)> = None;
        for v in self.contest.nodes() {
            if !self.is_below_reservation(v, Side::This) {
                continue;
            }
            let pick = |c| {
                let next = if is_edge { self.next_bound(c, now) } else { None };
                self.pick(v, c, &Within { this: Bound::Flat(left), next })
            };
            let Some(found) = self.served(is_edge).find_map(pick) else { continue };
            if best.is_none_or(|(other, _)| self.has_less_of_its_reservation(v, other)) {
                best = Some((v, found));
            }
        }
        best
    }

    fn has_less_of_its_reservation(&self, v: NodeIx, other: NodeIx) -> bool {
        let tree = self.contest.tree();
        let part = |a: NodeIx, b: NodeIx| u64::from(tree[a].granted) * u64::from(tree[b].reservation);
        (part(v, other), v) < (part(other, v), other)
    }

    /// The head of a priority that is next.
    pub(crate) fn pick_of_priority(&self, c: Priority, now: Timestamp, is_edge: bool) -> Option<Candidate> {
        if !self.contest.turns().is_contested(NodeIx::ROOT, c) || self.windows.least_left().is_zero() {
            return None;
        }
        let within = self.within(c, now, is_edge)?;
        self.pick(NodeIx::ROOT, c, &within)
    }

    /// What bounds a grant of a priority by the order of priorities; none at an edge where it may have no edge permits.
    pub(super) fn within(&self, c: Priority, now: Timestamp, is_edge: bool) -> Option<Within> {
        let remaining = self.windows.primary().remaining(now);
        let this = Bound::Held {
            lower: self.held_for_floors(c, is_edge),
            protected: self.held_for_reservations(Side::This, remaining),
            floor: self.windows.first_round_floor(c),
        };
        let next = if is_edge { Some(self.next_bound(c, now)?) } else { None };
        Some(Within { this, next })
    }

    /// The next head below `v` that fits: under the bound, and under the caps from `v` down.
    fn pick(&self, v: NodeIx, c: Priority, within: &Within) -> Option<Candidate> {
        if v == NodeIx::ROOT {
            return self.pick_below(v, c, within, Permits::MAX);
        }
        let tree = self.contest.tree();
        let waits = tree.path(v).all(|v| self.contest.turns().tag(v, c).waits);
        let room = tree.path(v).map(|v| self.room_of(v, within)).min().unwrap_or(Permits::MAX);
        waits.then(|| self.pick_at(v, c, within, room))?
    }

    fn pick_at(&self, v: NodeIx, c: Priority, within: &Within, room: Permits) -> Option<Candidate> {
        if !self.contest.tree()[v].is_leaf() {
            return self.pick_below(v, c, within, room);
        }
        let lane = self.contest.lane(v, c)?;
        let least = lane.least().filter(|&least| least <= room)?;
        let most = room.min(self.most(v, c, within));
        if least > most {
            return None;
        }
        let (least, head) = lane.pick(most)?;
        Some(Candidate { caller: head.caller, priority: c, least, most })
    }

    /// Eligible first, then the earliest virtual deadline; debtors come after all who owe nothing.
    fn pick_below(&self, v: NodeIx, c: Priority, within: &Within, room: Permits) -> Option<Candidate> {
        let turns = self.contest.turns();
        let waiting = turns.group(v, c).waiting;
        if waiting == 0 {
            return None;
        }
        let children = self.contest.tree().children(v);
        let candidate = |child: NodeIx| {
            let waits = turns.tag(child, c).waits;
            waits.then(|| self.pick_at(child, c, within, room.min(self.room_of(child, within))))?
        };
        if waiting == 1 {
            return children.iter().find_map(|&child| candidate(child)); // alone, it is next whatever its tag
        }
        let mut candidates = Candidates::new(usize::try_from(waiting).unwrap_or(0));
        for (place, &child) in children.iter().enumerate() {
            if let Some(found) = candidate(child) {
                let node = &self.contest.tree()[child];
                let size = if node.is_leaf() { found.least } else { Permits::ONE };
                let (tag, weight) = (turns.tag(child, c), node.weight);
                candidates.add(tag, weight, Rank { size, last_grant: node.last_grant, place }, found);
            }
        }
        candidates.first()
    }

    /// What is left under a node's own cap.
    pub(super) fn room_of(&self, v: NodeIx, within: &Within) -> Permits {
        let room = self.contest.tree().own_room(v);
        match within.next.and_then(|next| next.elsewhere) {
            Some(elsewhere) => room.min(self.contest.tree().own_room_next(v, elsewhere)),
            None => room,
        }
    }
}

/// What decides between children beside their tags.
struct Rank {
    /// The size of the request that moves the tag.
    size: Permits,
    last_grant: u64,
    place: usize,
}

/// The order in which children are served: tag or virtual deadline, then the least recently served, then order of definition.
type Key = (i64, u64, usize);

/// The children of a group whose heads fit.
struct Candidates {
    /// Of those that owe nothing: the mean of their tags, and each with its tag and its virtual deadline.
    mean: Mean,
    regular: Vec<(i64, Key, Candidate)>,
    /// Of those that owe something, the one that is next.
    debtor: Option<(Key, Candidate)>,
}

impl Candidates {
    fn new(count: usize) -> Self {
        Self { mean: Mean::default(), regular: Vec::with_capacity(count), debtor: None }
    }

    fn add(&mut self, tag: &NodeTag, weight: u32, rank: Rank, found: Candidate) {
        let Rank { size, last_grant, place } = rank;
        if tag.debt == 0 {
            self.mean.add(tag.value, weight);
            let deadline = tag.value + step(size, weight);
            self.regular.push((tag.value, (deadline, last_grant, place), found));
            return;
        }
        let key = (tag.value, last_grant, place);
        if self.debtor.is_none_or(|(least, _)| key < least) {
            self.debtor = Some((key, found));
        }
    }

    fn first(&self) -> Option<Candidate> {
        let eligible = self.regular.iter().filter(|(tag, ..)| self.mean.reaches(*tag));
        let next = eligible.min_by_key(|(_, key, _)| *key).map(|(.., found)| *found);
        next.or(self.debtor.map(|(_, found)| found))
    }
}
