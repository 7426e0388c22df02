//! Judges leases from outside, while policy changes: each counts in every window in which its holder may still use it.
//!
//! Knows each lease, its holder and its end, and when each policy was acknowledged; nothing of how a server counts.

use super::limits::Limit;

/// How long after the end of a lease a request under it may still be counted: the guard less the shortest useful life.
const SLACK_NS: u64 = 300_000_000;
/// How long before its start a window may have been booked.
const EARLY_NS: u64 = 1_500_000_000;

/// The limits and the cap of a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyShape {
    /// The limits.
    pub limits: Vec<Limit>,
    /// The cap of the team that has one.
    pub cap: Option<u32>,
}

/// A policy, and when its change was requested and acknowledged.
#[derive(Clone, Debug)]
struct InForce {
    requested: u64,
    acknowledged: u64,
    shape: PolicyShape,
}

/// A lease as its holder knows it, in nanoseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub struct HeldLease {
    /// Whether it is of the team with a cap.
    pub is_capped: bool,
    /// Permits that were not returned.
    pub permits: u32,
    /// When it was requested.
    pub sent: u64,
    /// When it was received.
    pub received: u64,
    /// When the holder stopped using it.
    pub until: u64,
}

impl HeldLease {
    fn may_count_in(&self, (start, end): (u64, u64)) -> bool {
        self.received < end && start < self.until + SLACK_NS
    }
}

/// The leases and the policies of a run.
#[derive(Debug, Default)]
pub struct History {
    /// Leases, in any order.
    pub leases: Vec<HeldLease>,
    policies: Vec<InForce>,
}

impl History {
    /// Records that a policy was requested and acknowledged.
    pub fn record_change(&mut self, requested: u64, acknowledged: u64, shape: PolicyShape) {
        self.policies.push(InForce { requested, acknowledged, shape });
    }

    /// How often policy changed.
    pub fn changes(&self) -> usize {
        self.policies.len()
    }

    /// Every lease that exceeds a budget or a cap, as text.
    pub fn excesses(&self) -> Vec<String> {
        self.leases.iter().flat_map(|lease| self.excesses_of(lease)).collect()
    }

    /// The policy in force from the request to the receipt of a lease, if no other was requested meanwhile.
    fn at_grant(&self, lease: &HeldLease) -> Option<&InForce> {
        let at = self.policies.iter().rposition(|policy| policy.acknowledged <= lease.sent)?;
        let next = self.policies.get(at + 1);
        next.is_none_or(|next| next.requested > lease.received).then(|| &self.policies[at])
    }

    fn excesses_of(&self, lease: &HeldLease) -> Vec<String> {
        let Some(InForce { shape, .. }) = self.at_grant(lease) else { return Vec::new() };
        let windows = shape.limits.iter().flat_map(|limit| {
            let touched = limit.touched(lease.received, lease.until + SLACK_NS);
            touched.map(move |window| (limit, window))
        });
        let budgets = windows.filter_map(|(limit, window)| self.over_budget(lease, limit, window));
        budgets.chain(self.over_cap(lease, shape)).collect()
    }

    fn over_budget(&self, lease: &HeldLease, limit: &Limit, window: (u64, u64)) -> Option<String> {
        let inside = |held: &&HeldLease| held.received <= lease.received && held.may_count_in(window);
        let sum: u32 = self.leases.iter().filter(inside).map(|held| held.permits).sum();
        let budget = |shape: &PolicyShape| {
            shape.limits.iter().filter(|other| other.window == limit.window).map(|l| l.permits).max()
        };
        let allowed = self.in_force(window.0, lease.received).filter_map(budget).max().unwrap_or(0);
        let text = || format!("{sum} of {allowed} in the window of {limit:?} from {window:?}, by {lease:?}");
        (sum > allowed).then(text)
    }

    /// The policies that may have been in force since a window could be booked.
    fn in_force(&self, start: u64, until: u64) -> impl Iterator<Item = &PolicyShape> {
        let ends = self.policies.iter().skip(1).map(|next| next.acknowledged).chain([u64::MAX]);
        let overlaps = move |(policy, end): &(&InForce, u64)| {
            end.saturating_add(EARLY_NS) >= start && policy.requested <= until
        };
        self.policies.iter().zip(ends).filter(overlaps).map(|(in_force, _)| &in_force.shape)
    }

    /// A cap holds in a window of the shortest limit, also if the team is deleted and created again.
    fn over_cap(&self, lease: &HeldLease, shape: &PolicyShape) -> Option<String> {
        let limit = shape.limits.iter().min_by_key(|limit| limit.window).filter(|_| lease.is_capped)?;
        let window = limit.touched(lease.received, lease.received + 1).next()?;
        let caps: Option<Vec<u32>> = self.in_force(window.0, lease.received).map(|shape| shape.cap).collect();
        let cap = caps?.into_iter().max()?;
        let inside =
            |held: &&HeldLease| held.is_capped && window.0 <= held.sent && held.received <= lease.received;
        let sum: u32 = self.leases.iter().filter(inside).map(|held| held.permits).sum();
        (sum > cap).then(|| format!("{sum} of a cap of {cap} in the window from {window:?}, by {lease:?}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn shape(permits: u32, cap: Option<u32>) -> PolicyShape {
        let [window, phase] = [Duration::from_secs(4), Duration::from_secs(1)];
        PolicyShape { limits: vec![Limit { id: "a".into(), permits, window, phase }], cap }
    }

    fn held(permits: u32, at_ms: u64, until_ms: u64) -> HeldLease {
        let [sent, until] = [at_ms, until_ms].map(|at| 100 * SECOND + at * 1_000_000);
        HeldLease { is_capped: true, permits, sent, received: sent + 1, until }
    }

    /// Windows start at second 97, 101, 105.
    fn history(permits: u32, cap: Option<u32>, leases: &[HeldLease]) -> History {
        let mut history = History { leases: leases.to_vec(), ..History::default() };
        history.record_change(0, 1, shape(permits, cap));
        history
    }

    #[test]
    fn leases_that_may_be_used_in_one_window_are_counted_together_in_it() {
        // The first may be counted until 100 ms after second 101.
        let leases = [held(3, 100, 800), held(2, 1_200, 4_000)];
        assert_eq!(history(5, None, &leases).excesses(), Vec::<String>::new());
        assert_eq!(history(4, None, &leases).excesses().len(), 1);
        let apart = [held(3, 100, 700), held(2, 1_200, 4_000)];
        assert_eq!(history(3, None, &apart).excesses(), Vec::<String>::new());
    }

    #[test]
    fn a_cap_counts_what_was_granted_in_a_window_of_the_shortest_limit() {
        let leases = [held(3, 1_100, 1_200), held(2, 4_000, 4_100)];
        assert_eq!(history(9, Some(5), &leases).excesses(), Vec::<String>::new());
        assert_eq!(history(9, Some(4), &leases).excesses().len(), 1);
    }

    #[test]
    fn a_budget_that_was_lowered_counts_from_the_next_window() {
        let mut lowered = history(5, None, &[held(3, 1_200, 1_300), held(2, 3_000, 3_100)]);
        lowered.record_change(102 * SECOND, 102 * SECOND, shape(4, None));
        assert_eq!(lowered.excesses(), Vec::<String>::new());
        let mut next = history(5, None, &[held(3, 5_200, 5_300), held(2, 7_000, 7_100)]);
        next.record_change(102 * SECOND, 102 * SECOND, shape(4, None));
        assert_eq!(next.excesses().len(), 1);
    }
}
