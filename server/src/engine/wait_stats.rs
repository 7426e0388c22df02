//! How long requests waited and how many were refused: totals since the start, and the last minute, by team and priority; and what
//! callers used since that was last taken.
//!
//! Waits are counted in buckets whose bounds grow by half a power of two, from 1 ms to an hour, in six intervals of ten seconds.

use super::usage::{TeamUsage, UsageCounts, UsageKey};
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::request::{Ask, Lease, Outcome, Reason, Refusal};
use apportion_core::time::{Span, Timestamp};
use foldhash::HashMap;
use std::collections::HashSet;

const INTERVALS: usize = 6;
const INTERVAL: Span = Span::from_secs(10);
const BUCKETS: usize = 48;

/// What one interval counted.
#[derive(Clone, Debug)]
struct Interval {
    started: u64,
    granted: u64,
    refused: u64,
    longest: Span,
    buckets: [u32; BUCKETS],
}

impl Default for Interval {
    fn default() -> Self {
        Self { started: 0, granted: 0, refused: 0, longest: Span::ZERO, buckets: [0; BUCKETS] }
    }
}

/// One team in one priority.
#[derive(Clone, Debug, Default)]
struct Counts {
    granted_requests: u64,
    granted_permits: u64,
    refused_requests: u64,
    intervals: [Interval; INTERVALS],
}

/// The totals and the last minute of one team and priority.
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

/// One team. Counts are boxed: an idle workspace pays for none.
#[derive(Debug, Default)]
struct TeamStats {
    /// The priority of requests that name none; unknown until it is needed.
    priority: Option<Priority>,
    counts: PerPriority<Option<Box<Counts>>>,
    usage: Option<Box<TeamUsage>>,
}

/// Most rows of removed teams that are remembered until they are taken.
const DEPARTED_MAX: usize = 1_000;

/// The team and caller of a request, and the priority that it names.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestOrigin<'a> {
    pub(super) team: &'a TeamId,
    pub(super) caller: &'a CallerId,
    pub(super) priority: Option<Priority>,
    /// Whether it repeats a request that is counted already.
    pub(super) is_repeat: bool,
}

impl<'a> RequestOrigin<'a> {
    pub(super) fn of(ask: &'a Ask) -> Self {
        Self { team: &ask.team, caller: &ask.caller, priority: ask.priority, is_repeat: false }
    }
}

/// How many requests were refused for each reason, in the order in which the reasons first came.
pub type Refusals = Vec<(Reason, u64)>;

/// The counts of one workspace.
#[derive(Debug, Default)]
pub(super) struct WaitStats {
    teams: HashMap<TeamId, TeamStats>,
    refusals: Refusals,
    /// What removed teams used.
    departed: Vec<(UsageKey, UsageCounts)>,
}

impl WaitStats {
    /// A request that came at `arrived` was answered.
    pub(super) fn record(
        &mut self,
        now: Timestamp,
        by: RequestOrigin<'_>,
        arrived: Timestamp,
        outcome: &Outcome,
        policy: &Policy,
    ) {
        match outcome {
            Outcome::Granted(lease) => self.granted(now, by, lease, now.since(arrived)),
            // The team was removed: its counts would stay for good.
            Outcome::Refused(Refusal { reason: Reason::UnknownTeam, .. }) => {}
            Outcome::Refused(refusal) => self.refused(now, by, refusal.reason, policy),
        }
    }

    /// A request was refused. One that named no priority counts in that of its team.
    pub(super) fn refused(&mut self, now: Timestamp, by: RequestOrigin<'_>, reason: Reason, policy: &Policy) {
        match self.refusals.iter_mut().find(|(counted, _)| *counted == reason) {
            Some((_, count)) => *count += 1,
            None => self.refusals.push((reason, 1)),
        }
        self.change(by.team, |team| {
            let c = by
                .priority
                .unwrap_or_else(|| *team.priority.get_or_insert_with(|| priority_of(policy, by.team)));
            let counts = team.counts[c].get_or_insert_default();
            counts.refused_requests += 1;
            counts.interval(now).refused += 1;
            if !by.is_repeat {
                team.usage.get_or_insert_default().refused(by.caller, c, reason);
            }
        });
    }

    /// A request was granted a lease after it had waited so long.
    fn granted(&mut self, now: Timestamp, by: RequestOrigin<'_>, lease: &Lease, waited: Span) {
        self.change(by.team, |team| {
            if !by.is_repeat {
                let usage = team.usage.get_or_insert_default();
                usage.granted(by.caller, lease.priority, lease.permits, waited);
            }
            let counts = team.counts[lease.priority].get_or_insert_default();
            counts.granted_requests += 1;
            counts.granted_permits += u64::from(lease.permits);
            let interval = counts.interval(now);
            interval.granted += 1;
            interval.longest = interval.longest.max(waited);
            let count = &mut interval.buckets[bucket(waited)];
            *count = count.saturating_add(1);
        });
    }

    /// Permits of a caller came back.
    pub(super) fn returned(&mut self, team: &TeamId, caller: &CallerId, c: Priority, permits: Permits) {
        self.change(team, |team| team.usage.get_or_insert_default().returned(caller, c, permits));
    }

    /// Takes what was used since it was last taken, in no order.
    pub(super) fn take_usage(&mut self) -> Vec<(UsageKey, UsageCounts)> {
        let mut rows = std::mem::take(&mut self.departed);
        for (id, team) in &mut self.teams {
            if let Some(usage) = team.usage.take() {
                usage.rows(id, &mut rows);
            }
        }
        rows
    }

    /// What is known about a team.
    pub(super) fn of(&self, team: &TeamId, now: Timestamp) -> TeamWaits {
        let Some(team) = self.teams.get(team) else { return PerPriority::default() };
        PerPriority(team.counts.0.each_ref().map(|counts| counts.as_ref().map(|counts| counts.summary(now))))
    }

    /// How many requests were refused for each reason, teams included that are gone.
    pub(super) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Another policy is in force: forgets the teams that are gone.
    pub(super) fn set_policy(&mut self, policy: &Policy) {
        let known: HashSet<&TeamId> = policy.teams.iter().map(|team| &team.id).collect();
        let departed = &mut self.departed;
        self.teams.retain(|id, team| {
            let stays = known.contains(id);
            if let Some(usage) = team.usage.take_if(|_| !stays) {
                usage.rows(id, departed);
            }
            stays
        });
        self.departed.truncate(DEPARTED_MAX);
        self.teams.values_mut().for_each(|team| team.priority = None);
    }

    /// Changes the counts of a team. Its id is copied only where it has none yet.
    fn change(&mut self, id: &TeamId, change: impl FnOnce(&mut TeamStats)) {
        match self.teams.get_mut(id) {
            Some(team) => change(team),
            None => change(self.teams.entry(id.clone()).or_default()),
        }
    }
}

impl Counts {
    fn interval(&mut self, now: Timestamp) -> &mut Interval {
        let started = now.as_ns() / INTERVAL.as_ns();
        let interval = &mut self.intervals[usize::try_from(started % INTERVALS as u64).unwrap_or_default()];
        if interval.started != started {
            *interval = Interval { started, ..Interval::default() };
        }
        interval
    }

    fn summary(&self, now: Timestamp) -> WaitSummary {
        let current = now.as_ns() / INTERVAL.as_ns();
        let recent =
            || self.intervals.iter().filter(|interval| interval.started + INTERVALS as u64 > current);
        let granted: u64 = recent().map(|interval| interval.granted).sum();
        let longest = recent().map(|interval| interval.longest).max().filter(|_| granted > 0);
        let quantile = |of: u64, out_of: u64| {
            let rank = (granted * of).div_ceil(out_of).max(1);
            let mut below = 0;
            let reached = (0..BUCKETS).find(|&at| {
                below += recent().map(|interval| u64::from(interval.buckets[at])).sum::<u64>();
                below >= rank
            });
            reached.map(bound).zip(longest).map(|(bound, longest)| bound.min(longest))
        };
        WaitSummary {
            total_granted_requests: self.granted_requests,
            total_granted_permits: self.granted_permits,
            total_refused_requests: self.refused_requests,
            granted,
            refused: recent().map(|interval| interval.refused).sum(),
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

    /// A policy without teams.
    fn policy() -> Policy {
        let limit = apportion_core::policy::LimitPolicy {
            id: apportion_core::ids::LimitId::new("l").expect("a name"),
            permits: Permits::ONE,
            window: Span::from_secs(10),
            phase: Span::ZERO,
            margins: apportion_core::policy::Margins::DEFAULT,
        };
        Policy::plain(limit, Vec::new())
    }

    #[test]
    fn a_team_that_was_removed_is_counted_nowhere() {
        let (mut waits, now) = (WaitStats::default(), Timestamp::from_ns(60_000_000_000));
        let team = TeamId::new("team").expect("a name");
        let caller = CallerId::new("caller").expect("a name");
        let by = RequestOrigin {
            team: &team,
            caller: &caller,
            priority: Some(Priority::Default),
            is_repeat: false,
        };
        let refused = |reason| Outcome::Refused(Refusal { reason, retry_at: None, limit: None });
        let policy = policy();
        waits.record(now, by, now, &refused(Reason::UnknownTeam), &policy);
        assert!(waits.teams.is_empty() && waits.refusals().is_empty());
        waits.record(now, by, now, &refused(Reason::TeamPaused), &policy);
        let counted =
            waits.of(&team, now)[Priority::Default].as_ref().map(|counts| counts.total_refused_requests);
        assert_eq!(counted, Some(1));
    }

    #[test]
    fn what_removed_teams_used_is_taken_once_up_to_a_bound() {
        let mut waits = WaitStats::default();
        for n in 0..=DEPARTED_MAX {
            let team = TeamId::new(&format!("t{n}")).expect("a name");
            let caller = CallerId::new("caller").expect("a name");
            waits.returned(&team, &caller, Priority::Default, Permits::ONE);
        }
        waits.set_policy(&policy());
        assert_eq!(waits.take_usage().len(), DEPARTED_MAX);
        assert_eq!(waits.take_usage(), []);
    }

    #[test]
    fn refusals_are_counted_by_reason_and_stay_when_their_team_goes() {
        let (mut waits, now) = (WaitStats::default(), Timestamp::from_ns(60_000_000_000));
        let team = TeamId::new("team").expect("a name");
        let caller = CallerId::new("caller").expect("a name");
        let by = RequestOrigin {
            team: &team,
            caller: &caller,
            priority: Some(Priority::Default),
            is_repeat: false,
        };
        let policy = policy();
        for reason in [Reason::TeamPaused, Reason::StoreLost, Reason::TeamPaused] {
            waits.refused(now, by, reason, &policy);
        }
        waits.set_policy(&policy);
        assert!(waits.teams.is_empty());
        assert_eq!(*waits.refusals(), [(Reason::TeamPaused, 2), (Reason::StoreLost, 1)]);
    }
}
