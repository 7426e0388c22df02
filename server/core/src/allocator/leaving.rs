//! Teams that were removed while somebody waited there. They are out of the policy at once; who waits is refused, and what is
//! remembered of their callers is forgotten, a piece at a time, so that nobody else is held up for as long as all of it takes.

use super::{Allocator, RequestKey, Team};
use crate::ids::RequestId;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::queue::Waiting;
use crate::request::{Answer, Outcome, Reason, Refusal};
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::{Span, Timestamp};
use std::collections::VecDeque;

/// From one piece to the next.
const PAUSE: Span = Span::from_ms(2);

/// What a team that is removed is told.
const REMOVED: Refusal = Refusal { reason: Reason::UnknownTeam, retry_at: None, limit: None };

/// What is left of teams that were removed.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaving {
    /// The one that was removed first comes first. Its node is kept from others until nobody is left of it.
    teams: VecDeque<(NodeIx, Box<Team>)>,
    /// Requests that wait there.
    requests: usize,
    /// When the next piece is due.
    next_at: Timestamp,
}

impl Allocator {
    /// A team that was taken out of the tree leaves, with all who wait there.
    pub(super) fn let_leave(&mut self, v: NodeIx, team: Box<Team>) {
        let leaving = self.former.get_or_insert_default().leaving.get_or_insert_default();
        let requests: u32 = team.lanes.0.iter().map(|lane| lane.requests).sum();
        leaving.requests += usize::try_from(requests).unwrap_or(usize::MAX);
        leaving.teams.push_back((v, team));
    }

    /// Refuses the next of those who wait at removed teams, in the order in which they would be served, if that is due.
    pub(super) fn see_off(&mut self, now: Timestamp) {
        let Some(former) = &mut self.former else { return };
        let Some(mut leaving) = former.leaving.take_if(|leaving| now >= leaving.next_at) else { return };
        for _ in 0..self.bounds.leaving_at_once {
            let Some((v, team)) = leaving.teams.front_mut() else { return };
            let v = *v;
            if let Some(refused) = self.see_off_one(team) {
                leaving.requests -= refused;
            } else {
                leaving.teams.pop_front();
                self.tree.free(v);
            }
        }
        if !leaving.teams.is_empty() {
            leaving.next_at = now + PAUSE;
            self.former.get_or_insert_default().leaving = Some(leaving);
        }
    }

    /// Takes one thing out of a team that leaves: a request, an id or a caller. Returns how many requests that was; nothing where
    /// nothing is left.
    fn see_off_one(&mut self, team: &mut Team) -> Option<usize> {
        for c in Priority::ALL {
            let Some((size, head)) = team.lanes[c].pick(Permits::MAX) else { continue };
            let Some(slot) = self.queue.first(head.caller, c) else {
                team.lanes[c].remove(size, &head);
                return Some(0);
            };
            let ticket = self.queue.ticket(slot);
            self.forget_request(slot);
            if self.queue.first(head.caller, c).is_none() {
                team.lanes[c].remove(size, &head);
            }
            self.answers.push_back(Answer { ticket, outcome: Outcome::Refused(REMOVED) });
            return Some(1);
        }
        let (_, &caller) = team.callers.first_key_value()?;
        if let Some(key) = self.some_id_of(caller) {
            self.known.remove(&key);
        } else {
            self.queue.callers.remove(caller);
            team.callers.pop_first();
        }
        Some(0)
    }

    fn forget_request(&mut self, slot: Slot) -> Option<Waiting> {
        let request = self.queue.remove(slot)?;
        if let Some(id) = &request.request_id {
            self.known.remove(&(request.caller, id.clone()));
        }
        Some(request)
    }

    /// A request id that is remembered of a caller.
    pub(super) fn some_id_of(&self, caller: Slot) -> Option<RequestKey> {
        let (key, _) = self.known.range((caller, RequestId::least())..).next()?;
        (key.0 == caller).then(|| key.clone())
    }

    /// Whether a request waits at a team that was removed.
    pub(super) fn is_leaving(&self, slot: Slot) -> bool {
        self.tree[self.queue.callers[self.queue[slot].caller].team].is_leaving
    }

    /// Takes out a request that waits at a removed team. Nobody else waits for it.
    pub(super) fn take_out_leaving(&mut self, slot: Slot) -> Option<Waiting> {
        let request = self.forget_request(slot)?;
        if let Some(leaving) = self.former.as_mut().and_then(|former| former.leaving.as_mut()) {
            leaving.requests -= 1;
        }
        Some(request)
    }

    /// Refuses a request that waits at a removed team, for whatever reason it is answered now.
    pub(super) fn refuse_leaving(&mut self, slot: Slot) {
        let ticket = self.queue.ticket(slot);
        self.take_out_leaving(slot);
        self.answers.push_back(Answer { ticket, outcome: Outcome::Refused(REMOVED) });
    }

    fn leaving(&self) -> Option<&Leaving> {
        self.former.as_ref()?.leaving.as_ref()
    }

    /// When the next piece is due.
    pub(super) fn next_to_leave(&self) -> Option<Timestamp> {
        self.leaving().map(|leaving| leaving.next_at)
    }

    /// How many requests wait for permits.
    pub(super) fn competing(&self) -> usize {
        self.queue.len() - self.leaving().map_or(0, |leaving| leaving.requests)
    }
}
