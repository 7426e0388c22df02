//! How requests fared: totals since the start, and the waits of the last minute, by team and priority.
//!
//! Waits are counted in buckets whose bounds grow by half a power of two, from 1 ms to an hour, in six slots of ten seconds.

use apportion_core::ids::TeamId;
use apportion_core::policy::Policy;
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::request::{Lease, Outcome, Reason, Refusal};
use apportion_core::time::{Span, Timestamp};
use foldhash::HashMap;
use std::collections::HashSet;

const SLOTS: usize = 6;
const SLOT: Span = Span::from_secs(10);
const BUCKETS: usize = 48;

/// What one slot counted.
#[derive(Clone, Debug)]
struct Slot {
    started: u64,
    granted: u64,
    refused: u64,
    longest: Span,
    buckets: [u32; BUCKETS],
}

impl Default for Slot {
    fn default() -> Self {
        Self { started: 0, granted: 0, refused: 0, longest: Span::ZERO, buckets: [0; BUCKETS] }
    }
}

/// One team in one priority.
#[derive(Clone, Debug, Default)]
struct Lane {
    granted_requests: u64,
    granted_permits: u64,
    refused_requests: u64,
    slots: [Slot; SLOTS],
}

/// What the last minute and all time before say about one team and priority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitSummary {
    /// Requests granted since the start.
    pub total_granted_requests: u64,
    /// Permits granted since the start.
    pub total_granted_permits: u64,
    /// Requests refused since the start.
    pub total_refused_requests: u64,
    /// Requests granted in the last minute.
    pub granted: u64,
    /// Requests refused in the last minute.
    pub refused: u64,
    /// How long half of the granted waited at most.
    pub p50: Option<Span>,
    /// How long 99 of 100 of the granted waited at most.
    pub p99: Option<Span>,
    /// How long the longest of the granted waited.
    pub longest: Option<Span>,
}

/// The summaries of one team.
pub type TeamWaits = PerPriority<Option<WaitSummary>>;

/// One team. Lanes are boxed: a workspace that nobody asks pays for none.
#[derive(Debug, Default)]
struct Team {
    /// Of requests that name none; unknown until it is needed.
    priority: Option<Priority>,
    lanes: PerPriority<Option<Box<Lane>>>,
}

/// Who asked, and at which priority.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) team: &'a TeamId,
    pub(super) priority: Option<Priority>,
}

/// How the requests of one workspace fared.
#[derive(Debug, Default)]
pub(super) struct Waits {
    teams: HashMap<TeamId, Team>,
}

impl Waits {
    /// A request that came at `arrived` was answered.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        by: Asked<'_>,
        arrived: Timestamp,
        outcome: &Outcome,
        policy: &Policy,
    ) {
        match outcome {
            Outcome::Granted(lease) => self.granted(now, by, lease, now.since(arrived)),
            // The team was removed: whoever counted it would keep it for good.
            Outcome::Refused(Refusal { reason: Reason::UnknownTeam, .. }) => {}
            Outcome::Refused(_) => self.refused(now, by, policy),
        }
    }

    /// A request was refused. One that named no priority counts in that of its team.
    pub(super) fn refused(&mut self, now: Timestamp, by: Asked<'_>, policy: &Policy) {
        let team = self.team(by.team);
        let c =
            by.priority.unwrap_or_else(|| *team.priority.get_or_insert_with(|| priority_of(policy, by.team)));
        let lane = team.lanes[c].get_or_insert_default();
        lane.refused_requests += 1;
        lane.slot(now).refused += 1;
    }

    /// A request was granted a lease after it had waited so long.
    fn granted(&mut self, now: Timestamp, by: Asked<'_>, lease: &Lease, waited: Span) {
        let lane = self.team(by.team).lanes[lease.priority].get_or_insert_default();
        lane.granted_requests += 1;
        lane.granted_permits += u64::from(lease.permits);
        let slot = lane.slot(now);
        slot.granted += 1;
        slot.longest = slot.longest.max(waited);
        let count = &mut slot.buckets[bucket(waited)];
        *count = count.saturating_add(1);
    }

    /// What is known about a team.
    pub(super) fn of(&self, team: &TeamId, now: Timestamp) -> TeamWaits {
        let Some(team) = self.teams.get(team) else { return PerPriority::default() };
        PerPriority(team.lanes.0.each_ref().map(|lane| lane.as_ref().map(|lane| lane.summary(now))))
    }

    /// Another policy is in force: forgets the teams that are gone.
    pub(super) fn set_policy(&mut self, policy: &Policy) {
        let known: HashSet<&TeamId> = policy.teams.iter().map(|team| &team.id).collect();
        self.teams.retain(|team, _| known.contains(team));
        self.teams.values_mut().for_each(|team| team.priority = None);
    }

    fn team(&mut self, id: &TeamId) -> &mut Team {
        self.teams.entry(id.clone()).or_default()
    }
}

impl Lane {
    fn slot(&mut self, now: Timestamp) -> &mut Slot {
        let started = now.as_ns() / SLOT.as_ns();
        let slot = &mut self.slots[usize::try_from(started % SLOTS as u64).unwrap_or_default()];
        if slot.started != started {
            *slot = Slot { started, ..Slot::default() };
        }
        slot
    }

    fn summary(&self, now: Timestamp) -> WaitSummary {
        let current = now.as_ns() / SLOT.as_ns();
        let recent = || self.slots.iter().filter(|slot| slot.started + SLOTS as u64 > current);
        let granted: u64 = recent().map(|slot| slot.granted).sum();
        let longest = recent().map(|slot| slot.longest).max().filter(|_| granted > 0);
        let quantile = |of: u64, out_of: u64| {
            let rank = (granted * of).div_ceil(out_of).max(1);
            let mut below = 0;
            let reached = (0..BUCKETS).find(|&at| {
                below += recent().map(|slot| u64::from(slot.buckets[at])).sum::<u64>();
                below >= rank
            });
            reached.map(bound).zip(longest).map(|(bound, longest)| bound.min(longest))
        };
        WaitSummary {
            total_granted_requests: self.granted_requests,
            total_granted_permits: self.granted_permits,
            total_refused_requests: self.refused_requests,
            granted,
            refused: recent().map(|slot| slot.refused).sum(),
            p50: quantile(1, 2),
            p99: quantile(99, 100),
            longest,
        }
    }
}

/// The priority of a team's requests that name none.
fn priority_of(policy: &Policy, id: &TeamId) -> Priority {
    policy.teams.iter().find(|team| team.id == *id).map_or_else(Priority::default, |team| team.priority)
}

/// The bucket of a wait: the first whose bound is not below it.
fn bucket(waited: Span) -> usize {
    (0..BUCKETS).find(|&at| waited <= bound(at)).unwrap_or(BUCKETS - 1)
}

/// The largest wait that a bucket counts: 1 ms, 1.5 ms, 2 ms, 3 ms, 4 ms, …
fn bound(at: usize) -> Span {
    let base = 1_000_000_u64 << (at / 2);
    Span::from_ns(if at.is_multiple_of(2) { base } else { base + base / 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_that_was_removed_is_counted_nowhere() {
        let (mut waits, now) = (Waits::default(), Timestamp::from_ns(60_000_000_000));
        let team = TeamId::new("team").expect("a name");
        let by = Asked { team: &team, priority: Some(Priority::Default) };
        let refused = |reason| Outcome::Refused(Refusal { reason, retry_at: None, limit: None });
        let limit = apportion_core::policy::LimitPolicy {
            id: apportion_core::ids::LimitId::new("l").expect("a name"),
            permits: apportion_core::permits::Permits::ONE,
            window: Span::from_secs(10),
            phase: Span::ZERO,
            margins: apportion_core::policy::Margins::DEFAULT,
        };
        let policy = Policy::plain(limit, Vec::new());
        waits.answered(now, by, now, &refused(Reason::UnknownTeam), &policy);
        assert!(waits.teams.is_empty());
        waits.answered(now, by, now, &refused(Reason::TeamPaused), &policy);
        let counted =
            waits.of(&team, now)[Priority::Default].as_ref().map(|lane| lane.total_refused_requests);
        assert_eq!(counted, Some(1));
    }
}
