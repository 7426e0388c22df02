//! What one request finds: what is left for it, what is kept for whom, and which rule stops it.

use super::view::Rules;
use crate::explanation::{KeptPermits, LimitRoom, Obstacle, Purpose, Rule, TeamRoom};
use crate::ids::TeamId;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::Reason;
use crate::share::holdback::parts::Holder;
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;
use crate::windows::side::Side;
use std::collections::BTreeMap;

/// A team in one priority, at an instant.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) team: NodeIx,
    pub(crate) priority: Priority,
    pub(crate) now: Timestamp,
}

impl Rules<'_> {
    /// What the team could be granted if no other request competed.
    pub(crate) fn available(&self, place: Place) -> Permits {
        let is_edge = !self.windows.are_open(place.now);
        let Some(within) = self.within(place.priority, place.now, is_edge) else { return Permits::ZERO };
        let room = self.contest.tree().path(place.team).map(|v| self.room_of(v, &within));
        let by_caps = room.fold(self.windows.largest_lease(), Permits::min);
        let most = if self.is_owed(place.team, Side::This) {
            let flat = self.windows.least_left();
            within.next.map_or(flat, |next| flat.min(self.most_next(place.team, place.priority, &next)))
        } else {
            self.most(place.team, place.priority, &within)
        };
        most.min(by_caps).min(self.windows.least_left())
    }

    /// Which rule stops a request that waits.
    pub(crate) fn obstacle(&self, slot: Slot, now: Timestamp) -> Obstacle {
        let (reason, limit) = self.why_not_granted(slot, now);
        let rule = match reason {
            Reason::ProviderCooldown => Rule::Cooldown,
            Reason::ClockUnsteady => Rule::Clock,
            Reason::TeamCapReached => Rule::Cap,
            Reason::StoreLost => Rule::Store,
            _ => self.order_that_stops(slot, now),
        };
        Obstacle { rule, reason, limit }
    }

    /// Which rule of order stops a request that nothing rules out.
    fn order_that_stops(&self, slot: Slot, now: Timestamp) -> Rule {
        let queue = self.contest.queue();
        let request = &queue[slot];
        let (team, priority) = (self.contest.backlog().team_of(slot), request.priority);
        let is_edge = !self.windows.are_open(now);
        if is_edge && !self.policy.has_edges(priority) {
            Rule::Edge
        } else if self.windows.least_left() < request.min_permits {
            Rule::Budget
        } else if self.available(Place { team, priority, now }) < request.min_permits {
            let next = if is_edge { self.next_bound(priority, now) } else { None };
            let by_next = next.map(|next| self.most_next(team, priority, &next));
            if by_next.is_some_and(|most| most < request.min_permits) { Rule::NextWindow } else { Rule::Kept }
        } else if queue.first(request.caller, priority) != Some(slot) {
            Rule::CallerQueue
        } else {
            Rule::Turn
        }
    }

    /// Every limit as a request of that team and priority sees it.
    pub(crate) fn limit_rooms(&self, place: Place) -> Vec<LimitRoom> {
        let names: BTreeMap<NodeIx, &TeamId> = self.contest.teams().map(|(id, v)| (v, id)).collect();
        let is_store_lost = self.windows.is_store_lost();
        let limits = self.windows.limits().iter().enumerate();
        let room = limits.map(|(at, limit)| {
            let held = limit.holdback.parts_held_from(place.team, place.priority).into_iter();
            let mut kept: Vec<KeptPermits> = held.filter_map(|part| kept(part, &names)).collect();
            if at == self.windows.primary_place() {
                kept.extend(self.kept_by_rank(place));
            }
            LimitRoom {
                id: limit.id.clone(),
                budget: limit.budget,
                left: limit.left(is_store_lost),
                external_use: limit.facts.external_use_to_come() + limit.spread_held,
                kept,
                is_open: limit.is_open(place.now) && !limit.blocks.is_exhausted(),
                closes: limit.closes(),
                next_opens: limit.next_opens(),
            }
        });
        room.collect()
    }

    /// What is kept in the primary window for floors and reservations.
    fn kept_by_rank(&self, place: Place) -> impl Iterator<Item = KeptPermits> {
        let is_edge = !self.windows.are_open(place.now);
        let remaining = self.windows.primary().remaining(place.now);
        let floors = self.held_for_floors(place.priority, is_edge);
        let reservations = self.held_for_reservations(Side::This, remaining);
        let kept = [(Purpose::Floors, floors), (Purpose::Reservations, reservations)];
        let kept = kept.into_iter().filter(|&(_, permits)| permits > 0);
        kept.map(|(purpose, permits)| KeptPermits { purpose, permits })
    }

    /// The teams of a path, the last one first.
    pub(crate) fn path_rooms(&self, place: Place) -> Vec<TeamRoom> {
        let (tree, is_edge) = (self.contest.tree(), !self.windows.are_open(place.now));
        let names: BTreeMap<NodeIx, &TeamId> = self.contest.teams().map(|(id, v)| (v, id)).collect();
        let within = self.within(place.priority, place.now, is_edge);
        let room = |v| within.as_ref().map_or_else(|| tree.own_room(v), |within| self.room_of(v, within));
        let team = |v: NodeIx| {
            Some(TeamRoom {
                id: (*names.get(&v)?).clone(),
                granted: tree[v].granted,
                cap: tree[v].cap,
                room: tree[v].cap.map(|_| room(v)),
                reservation: tree[v].reservation,
                is_owed: self.is_below_reservation(v, Side::This),
            })
        };
        tree.path(place.team).filter_map(team).collect()
    }
}

fn kept((holder, permits): (Holder, u64), names: &BTreeMap<NodeIx, &TeamId>) -> Option<KeptPermits> {
    let purpose = match holder {
        Holder::Priority(c) => Purpose::Holdback(c),
        Holder::Team(v, c) => Purpose::ExpectedDemand((*names.get(&v)?).clone(), c),
    };
    Some(KeptPermits { purpose, permits })
}
