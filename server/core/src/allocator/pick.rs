//! Which head is next: only heads that fit compete, tags decide among them at every level of the tree.

use super::Allocator;
use super::edge::Next;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::tag::{Mean, step};
use crate::share::tree::{NodeIx, Tree};
use crate::slab::Slot;

/// A head that may be granted now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Candidate {
    pub(super) team: NodeIx,
    pub(super) caller: Slot,
    pub(super) priority: Priority,
    /// The least that it takes.
    pub(super) least: Permits,
    /// The most that it may be given.
    pub(super) most: Permits,
}

/// What bounds a grant in the windows in force, caps aside.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    /// So much and no more: what a reservation may take.
    Flat(Permits),
    /// What is left after what is kept for others: `lower` for the floors below, `protected` for reservations.
    Kept {
        /// Kept for the floors of lower priorities.
        lower: u64,
        /// Kept for protected reservations.
        protected: u64,
        /// What the floor left to the priority allows in the first round of a window.
        floor: Permits,
    },
}

/// What bounds a grant in the windows in force and, at an edge, in those that follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    pub(super) this: Bound,
    pub(super) next: Option<Next>,
}

impl Allocator {
    /// The next head below `v` in priority `c` that fits: under `bound`, and under the caps from `v` down.
    pub(super) fn pick(&self, v: NodeIx, c: Priority, within: &Within) -> Option<Candidate> {
        if v == Tree::ROOT {
            return self.pick_below(v, c, within, Permits::MAX);
        }
        let waits = self.tree.path(v).all(|v| self.tree.account(v, c).waits);
        let room = self.tree.path(v).map(|v| self.room_of(v, within)).min().unwrap_or(Permits::MAX);
        waits.then(|| self.pick_at(v, c, within, room))?
    }

    fn pick_at(&self, v: NodeIx, c: Priority, within: &Within, room: Permits) -> Option<Candidate> {
        if !self.tree[v].is_leaf() {
            return self.pick_below(v, c, within, room);
        }
        let lane = self.lane(v, c)?;
        let least = lane.least().filter(|&least| least <= room)?;
        let most = room.min(self.most(v, c, within));
        if least > most {
            return None;
        }
        let (least, head) = lane.pick(most)?;
        Some(Candidate { team: v, caller: head.caller, priority: c, least, most })
    }

    /// Eligible first, then the earliest virtual deadline; whoever owes comes after all who do not.
    fn pick_below(&self, v: NodeIx, c: Priority, within: &Within, room: Permits) -> Option<Candidate> {
        if !self.tree.is_contested(v, c) {
            return None;
        }
        let children = self.tree.children(v);
        let candidate = |child: NodeIx| {
            let waits = self.tree.account(child, c).waits;
            waits.then(|| self.pick_at(child, c, within, room.min(self.room_of(child, within))))?
        };
        let waiting = self.tree.group(v, c).waiting;
        if waiting == 1 {
            return children.iter().find_map(|&child| candidate(child)); // alone, it is next whatever its tag
        }
        let mut mean = Mean::default();
        let mut fitting: Vec<(NodeIx, Candidate)> = Vec::with_capacity(usize::try_from(waiting).unwrap_or(0));
        let mut debtor: Option<((i64, u64, usize), Candidate)> = None;
        for (place, &child) in children.iter().enumerate() {
            let Some(found) = candidate(child) else { continue };
            let node = &self.tree[child];
            let account = self.tree.account(child, c);
            if account.foreign == 0 {
                mean.add(account.tag, node.weight);
                fitting.push((place, found));
            } else {
                let key = (account.tag, node.last, place);
                if debtor.is_none_or(|(least, _)| key < least) {
                    debtor = Some((key, found));
                }
            }
        }
        let due = |&(place, found): &(usize, Candidate)| {
            let node = &self.tree[children[place]];
            let size = if node.is_leaf() { found.least } else { Permits::ONE };
            (self.tree.account(children[place], c).tag + step(size, node.weight), node.last, place)
        };
        let eligible =
            fitting.iter().filter(|(place, _)| mean.reaches(self.tree.account(children[*place], c).tag));
        let next = eligible.min_by_key(|entry| due(entry)).map(|(_, found)| *found);
        next.or(debtor.map(|(_, found)| found))
    }

    /// What is left under a node's own cap.
    fn room_of(&self, v: NodeIx, within: &Within) -> Permits {
        let room = self.tree.own_room(v);
        match within.next.and_then(|next| next.foreign) {
            Some(foreign) => room.min(self.tree.own_room_next(v, foreign)),
            None => room,
        }
    }

    /// The most that a team may be given in one priority, caps aside.
    pub(super) fn most(&self, team: NodeIx, c: Priority, within: &Within) -> Permits {
        let this = match within.this {
            Bound::Flat(most) => most,
            Bound::Kept { lower, protected, floor } => {
                let mut most = u64::MAX;
                let mut by_floor = u64::from(floor);
                for (at, limit) in self.limits.iter().enumerate() {
                    let (left, kept) = (u64::from(limit.left(self.store_lost)), limit.holdback.kept(team, c));
                    if at == self.scheduler {
                        most = most.min(left.saturating_sub(kept + protected + lower));
                        by_floor = by_floor.min(left.saturating_sub(lower));
                    } else {
                        most = most.min(left.saturating_sub(kept));
                        by_floor = by_floor.min(left.saturating_sub(kept));
                    }
                }
                Permits::clamped(most.max(by_floor))
            }
        };
        within.next.map_or(this, |next| this.min(self.most_next(team, c, &next)))
    }
}
