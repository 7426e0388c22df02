//! Judges a run by its leases: each counts in every window of every limit in force in which its holder might still use it.
//!
//! Knows no marks, no blocks and no accounts. It is also the clients: who holds a lease settles it some day, or never.

use super::mood::Mood;
use super::server::{Held, Report, WindowNow};
use crate::world::random::Random;
use apportion_core::ids::TeamId;
use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::time::{Span, Timestamp};

/// How long after its end a permit may still be counted: the guard less the least useful life.
const SLACK: Span = Span::from_ms(300);
/// So long before a window's start its budget may have been booked, at the most.
const EARLY: Span = Span::from_ms(1_500);
/// How much later than a window opens somebody who waits is served, in calm weather: another limit may be in its guard just then.
const LATE: Span = Span::from_ms(1_000);

/// A lease and what is known of its use.
#[derive(Clone, Debug)]
struct Counted {
    lease: Held,
    /// When its last permit may be counted.
    until: Timestamp,
    permits: u64,
    /// Permits that came back in time.
    settled: bool,
}

/// The judge of one run.
pub(super) struct Judge {
    mood: Mood,
    leases: Vec<Counted>,
    policies: Vec<(Timestamp, Policy)>,
    /// By when the next grant must come: when every window that a change left may be full has made room.
    due: Option<Timestamp>,
    pub(super) broken: Option<String>,
    pub(super) granted: u64,
}

impl Judge {
    pub(super) fn new(mood: Mood, policy: Policy) -> Self {
        let policies = vec![(Timestamp::ZERO, policy)];
        Self { mood, leases: Vec::new(), policies, due: None, broken: None, granted: 0 }
    }

    /// A policy is in force from now on.
    pub(super) fn policy(&mut self, now: Timestamp, policy: Policy) {
        self.policies.push((now, policy));
        self.due = None;
    }

    /// Who waited is gone with the server.
    pub(super) fn forget_what_waits(&mut self) {
        self.due = None;
    }

    /// A lease was granted, while these were the windows of now.
    pub(super) fn grant(&mut self, now: Timestamp, lease: Held, windows: &[WindowNow]) {
        self.granted += u64::from(lease.permits);
        self.due = None;
        let horizon = Span::from_secs(120);
        self.leases.retain(|counted| now.since(counted.until) < horizon);
        let until = lease.ends_at + SLACK;
        let (permits, team) = (u64::from(lease.permits), lease.team.clone());
        self.leases.push(Counted { until, permits, settled: false, lease });
        for window in windows {
            for (from, to) in window.touched(now, until) {
                self.hold_against(window, from, to);
            }
        }
        if let Some(scheduler) = windows.iter().min_by_key(|window| window.length) {
            self.hold_cap(now, scheduler, &team);
        }
    }

    /// Nothing that may be counted in a window exceeds its budget.
    fn hold_against(&mut self, window: &WindowNow, from: Timestamp, to: Timestamp) {
        let inside = |counted: &&Counted| counted.lease.granted_at < to && from < counted.until;
        let sum: u64 = self.leases.iter().filter(inside).map(|counted| counted.permits).sum();
        let allowed = self.allowed(window, from);
        if sum > allowed {
            let leases: Vec<_> = self.leases.iter().filter(inside).collect();
            self.fail(format!(
                "{sum} permits may be counted from {from:?} to {to:?} in windows of {:?}, {allowed} allowed: {leases:#?}",
                window.id
            ));
        }
    }

    /// The largest budget of windows of that length that was in force since a window could be booked.
    fn allowed(&self, window: &WindowNow, start: Timestamp) -> u64 {
        let ends = self.policies.iter().skip(1).map(|(at, _)| *at).chain([Timestamp::MAX]);
        let in_force = self.policies.iter().zip(ends).filter(|(_, end)| *end + EARLY >= start);
        let limits = in_force.flat_map(|((_, policy), _)| &policy.limits);
        let same = limits.filter(|limit| limit.window == window.length);
        same.map(|limit| u64::from(limit.permits)).max().unwrap_or(0)
    }

    /// A team is granted no more than its cap in a window of the shortest limit, whatever becomes of the team.
    fn hold_cap(&mut self, now: Timestamp, window: &WindowNow, team: &TeamId) {
        let in_force = self.policies.iter().rev().take(8).flat_map(|(_, policy)| &policy.teams);
        let caps = in_force.filter(|known| known.id == *team).map(|known| known.cap);
        let caps: Option<Vec<_>> = caps.collect();
        let Some(cap) = caps.and_then(|caps| caps.into_iter().max()) else { return };
        let is_own = |counted: &&Counted| {
            counted.lease.team == *team
                && window.start <= counted.lease.granted_at
                && counted.lease.granted_at < window.end
        };
        let own: u64 = self.leases.iter().filter(is_own).map(|counted| counted.permits).sum();
        if own > u64::from(cap) {
            self.fail(format!("{own} permits for {team:?}, whose cap is {cap}, at {now:?}"));
        }
    }

    /// Somebody always waits; in calm weather nobody waits for longer than until the windows of now that may be full are over.
    pub(super) fn look(&mut self, now: Timestamp, opens: Option<Timestamp>) {
        let Some(opens) = opens.filter(|_| self.mood == Mood::Calm) else { return };
        let due = *self.due.get_or_insert(opens + LATE);
        if now > due {
            self.fail(format!("nobody was served until {now:?}, the next windows opened by {due:?}"));
        }
    }

    /// Who holds leases settles some of them: in calm weather all, soon.
    pub(super) fn settle(&mut self, now: Timestamp, random: &mut Random) -> Vec<Report> {
        let calm = self.mood == Mood::Calm;
        let mut reports = Vec::new();
        for counted in
            self.leases.iter_mut().filter(|counted| !counted.settled && now < counted.lease.ends_at)
        {
            if !random.percent(if calm { 40 } else { 8 }) {
                continue;
            }
            let permits = u64::from(counted.lease.permits);
            let returned = if random.percent(40) { random.between(0, permits) } else { 0 };
            let returned = Permits::clamped(returned);
            // A report that is not the last says only what came back; the rest may be used as before.
            let is_final = calm || random.percent(70);
            let used = if is_final { counted.lease.permits.less(returned) } else { Permits::ZERO };
            counted.settled = true;
            if is_final {
                counted.until = counted.until.min(now + SLACK);
            }
            reports.push(Report { lease: counted.lease.clone(), used, returned, is_final });
        }
        reports
    }

    /// So much of a lease came back in time: it is never used.
    pub(super) fn taken_back(&mut self, lease: (u64, u64), n: Permits) {
        if let Some(counted) = self.leases.iter_mut().find(|counted| counted.lease.name == lease) {
            counted.permits -= u64::from(n);
        }
    }

    fn fail(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }
}
