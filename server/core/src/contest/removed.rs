//! Teams that were removed while requests waited there, and what removed teams were granted.
//!
//! They leave the policy at once. Their requests are refused, and their callers forgotten, a few at a time, so that no other
//! request waits until all of it is done.

use super::backlog::{Backlog, TeamBacklog};
use crate::ids::TeamId;
use crate::permits::Permits;
use crate::policy::TEAMS_MAX;
use crate::priority::Priority;
use crate::replies::Replies;
use crate::request::{Reason, Refusal};
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// The pause between two steps.
const PAUSE: Span = Span::from_ms(2);

/// The refusal of a request whose team is removed.
const REFUSAL: Refusal = Refusal { reason: Reason::UnknownTeam, retry_at: None, limit: None };

/// What a team was granted in a window, and in the next one.
pub(crate) type WindowGrants = (Permits, Permits);

/// What is left of teams that were removed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Removed {
    /// The one that was removed first comes first. Its node is not used again before nothing is left of it.
    teams: VecDeque<(NodeIx, Box<TeamBacklog>)>,
    /// Requests that wait there.
    requests: usize,
    /// When the next step is due.
    next_at: Timestamp,
    /// What removed teams were granted, in case they come back: a cap is the window's, whatever becomes of the team.
    granted: BTreeMap<TeamId, WindowGrants>,
}

impl Removed {
    /// Keeps a team with all that waits there.
    pub(crate) fn add(&mut self, v: NodeIx, team: Box<TeamBacklog>) {
        self.requests += usize::try_from(team.requests()).unwrap_or(usize::MAX);
        self.teams.push_back((v, team));
    }

    /// Requests that wait at removed teams.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    /// When the next step is due; `None` if nothing is left.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        (!self.teams.is_empty()).then_some(self.next_at)
    }

    /// Removes at most `most` requests, request ids and callers from removed teams, if a step is due. Requests are refused in the
    /// order in which they would be served. Passes the nodes of which nothing is left to `free`.
    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        most: u32,
        (backlog, replies): (&mut Backlog, &mut Replies),
        mut free: impl FnMut(NodeIx),
    ) {
        if self.next_at().is_none_or(|at| now < at) {
            return;
        }
        self.next_at = now + PAUSE;
        for _ in 0..most {
            let Some((v, team)) = self.teams.front_mut() else { break };
            match take_one(team, backlog, replies) {
                Taken::Request => self.requests -= 1,
                Taken::Other => {}
                Taken::Nothing => {
                    free(*v);
                    self.teams.pop_front();
                }
            }
        }
        if self.teams.is_empty() {
            self.next_at = Timestamp::ZERO;
        }
    }

    /// Takes out one request.
    pub(crate) fn take(&mut self, slot: Slot, backlog: &mut Backlog, replies: &mut Replies) {
        if let Some(request) = backlog.take_unlisted(slot) {
            replies.forget(&request);
            self.requests -= 1;
        }
    }

    /// Refuses one request, whatever the reason for which it is answered now.
    pub(crate) fn refuse(&mut self, slot: Slot, backlog: &mut Backlog, replies: &mut Replies) {
        let ticket = backlog.queue().ticket(slot);
        self.take(slot, backlog, replies);
        replies.refuse(ticket, REFUSAL);
    }

    /// Remembers what a team was granted. Returns whether there was room for it.
    pub(crate) fn remember(&mut self, id: TeamId, granted: WindowGrants) -> bool {
        let has_room = self.granted.len() < TEAMS_MAX;
        if has_room {
            self.granted.insert(id, granted);
        }
        has_room
    }

    /// A team of this name comes back: what it was granted.
    pub(crate) fn recall(&mut self, id: &TeamId) -> Option<WindowGrants> {
        self.granted.remove(id)
    }

    /// A window starts.
    pub(crate) fn roll(&mut self) {
        self.granted.retain(|_, (granted, next)| {
            *granted = std::mem::take(next);
            !granted.is_zero()
        });
    }
}

/// What was taken out of a removed team.
enum Taken {
    Request,
    /// An entry of a lane, a request id or a caller.
    Other,
    Nothing,
}

fn take_one(team: &mut TeamBacklog, backlog: &mut Backlog, replies: &mut Replies) -> Taken {
    for c in Priority::ALL {
        let Some((size, head)) = team.lanes[c].pick(Permits::MAX) else { continue };
        let Some(slot) = backlog.queue().first(head.caller, c) else {
            team.lanes[c].remove(size, &head);
            return Taken::Other;
        };
        let ticket = backlog.queue().ticket(slot);
        if let Some(request) = backlog.take_unlisted(slot) {
            replies.forget(&request);
        }
        if backlog.queue().first(head.caller, c).is_none() {
            team.lanes[c].remove(size, &head);
        }
        replies.refuse(ticket, REFUSAL);
        return Taken::Request;
    }
    let Some((_, &caller)) = team.callers.first_key_value() else { return Taken::Nothing };
    if !replies.ids.forget_one_of(caller) {
        backlog.forget_caller_of_removed(caller);
        team.callers.pop_first();
    }
    Taken::Other
}
