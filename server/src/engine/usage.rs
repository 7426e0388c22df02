//! Who used what since it was last taken: counts by team, caller and priority.
//!
//! Knows no store: what is taken is somebody else's to keep.

use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::request::Reason;
use apportion_core::time::Span;
use foldhash::HashMap;

/// Callers of a team that are counted by name; the rest are counted together.
pub const USAGE_CALLERS_MAX: usize = 32;

/// Whom counts are about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UsageKey {
    /// The team; empty for all that have no place of their own.
    pub team: String,
    /// The caller; empty for all callers that have no place of their own.
    pub caller: String,
    /// The priority at which requests were served, or refused.
    pub priority: Priority,
}

/// What was counted.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct UsageCounts {
    /// Requests that were granted.
    pub granted_requests: u64,
    /// Permits that were granted.
    pub granted_permits: u64,
    /// Permits that came back.
    pub returned_permits: u64,
    /// Of the granted requests, those that waited.
    pub waited_requests: u64,
    /// How long they waited together, in nanoseconds.
    pub waited_ns: u64,
    /// Requests that were refused, by the name of the reason.
    pub refused: Vec<(String, u64)>,
}

impl UsageCounts {
    /// Adds what others counted.
    pub fn add(&mut self, other: &Self) {
        self.granted_requests += other.granted_requests;
        self.granted_permits += other.granted_permits;
        self.returned_permits += other.returned_permits;
        self.waited_requests += other.waited_requests;
        self.waited_ns = self.waited_ns.saturating_add(other.waited_ns);
        other.refused.iter().for_each(|(reason, requests)| self.refuse(reason, *requests));
    }

    fn refuse(&mut self, reason: &str, requests: u64) {
        match self.refused.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += requests,
            None => self.refused.push((reason.to_owned(), requests)),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What one team used.
#[derive(Debug, Default)]
pub(super) struct TeamUsage {
    callers: HashMap<CallerId, PerPriority<UsageCounts>>,
    rest: PerPriority<UsageCounts>,
}

impl TeamUsage {
    /// A request was granted after it had waited so long.
    pub(super) fn granted(&mut self, caller: &CallerId, c: Priority, permits: Permits, waited: Span) {
        self.change(caller, c, |counts| {
            counts.granted_requests += 1;
            counts.granted_permits += u64::from(permits);
            if waited > Span::ZERO {
                counts.waited_requests += 1;
                counts.waited_ns = counts.waited_ns.saturating_add(waited.as_ns());
            }
        });
    }

    /// A request was refused.
    pub(super) fn refused(&mut self, caller: &CallerId, c: Priority, reason: Reason) {
        self.change(caller, c, |counts| counts.refuse(reason.name(), 1));
    }

    /// Permits came back.
    pub(super) fn returned(&mut self, caller: &CallerId, c: Priority, permits: Permits) {
        self.change(caller, c, |counts| counts.returned_permits += u64::from(permits));
    }

    /// Changes the counts of a caller. Its id is copied only where it has none yet.
    fn change(&mut self, caller: &CallerId, c: Priority, change: impl FnOnce(&mut UsageCounts)) {
        let has_place = self.callers.len() < USAGE_CALLERS_MAX;
        match self.callers.get_mut(caller) {
            Some(counts) => change(&mut counts[c]),
            None if has_place => change(&mut self.callers.entry(caller.clone()).or_default()[c]),
            None => change(&mut self.rest[c]),
        }
    }

    /// Everything that was counted, in no order.
    pub(super) fn rows(self, team: &TeamId, to: &mut Vec<(UsageKey, UsageCounts)>) {
        let named = self.callers.into_iter().map(|(caller, counts)| (caller.to_string(), counts));
        for (caller, counts) in named.chain(std::iter::once((String::new(), self.rest))) {
            for (priority, counts) in Priority::ALL.into_iter().zip(counts.0) {
                if !counts.is_empty() {
                    to.push((UsageKey { team: team.to_string(), caller: caller.clone(), priority }, counts));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(id: &str) -> CallerId {
        CallerId::new(id).expect("a name")
    }

    #[test]
    fn callers_beyond_the_bound_are_counted_together() {
        let mut usage = TeamUsage::default();
        for n in 0..USAGE_CALLERS_MAX + 3 {
            usage.granted(&caller(&format!("c{n}")), Priority::Default, Permits::ONE, Span::ZERO);
        }
        let (mut rows, team) = (Vec::new(), TeamId::new("t").expect("a name"));
        usage.rows(&team, &mut rows);
        assert_eq!(rows.len(), USAGE_CALLERS_MAX + 1);
        let rest = rows.iter().find(|(key, _)| key.caller.is_empty()).expect("the rest");
        assert_eq!((rest.1.granted_requests, rest.1.granted_permits), (3, 3));
    }

    #[test]
    fn counts_add_up_by_reason() {
        let mut usage = TeamUsage::default();
        usage.refused(&caller("a"), Priority::Critical, Reason::WindowExhausted);
        usage.refused(&caller("a"), Priority::Critical, Reason::WindowExhausted);
        usage.granted(&caller("a"), Priority::Critical, Permits::ONE, Span::from_ms(2));
        usage.returned(&caller("a"), Priority::Critical, Permits::ONE);
        let (mut rows, team) = (Vec::new(), TeamId::new("t").expect("a name"));
        usage.rows(&team, &mut rows);
        let [(_, counts)] = &mut rows[..] else { panic!("one row, not {rows:?}") };
        counts.add(&counts.clone());
        assert_eq!(counts.refused, [("WINDOW_EXHAUSTED".to_owned(), 4)]);
        assert_eq!((counts.waited_requests, counts.waited_ns, counts.returned_permits), (2, 4_000_000, 2));
    }
}
