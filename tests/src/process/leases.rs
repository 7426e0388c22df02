//! Judges leases from outside, while policy changes: each counts in every window in which its holder might still use it.
//!
//! Knows what was granted, to whom and until when, and which policy was acknowledged when; nothing of how a server counts.

use std::time::{Duration, Instant, SystemTime};

/// How long after a lease's end a request under it may still be counted: the guard less the least useful life.
const SLACK_NS: u64 = 300_000_000;
/// So long before its start a window may have been booked.
const EARLY_NS: u64 = 1_500_000_000;

/// A clock that does not jump, told as nanoseconds since the Unix epoch: windows lie on it.
#[derive(Clone, Copy, Debug)]
pub struct Epoch(Instant, u64);

impl Epoch {
    /// The time of day as it is now, carried on steadily.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        Self(Instant::now(), nanoseconds(since))
    }

    /// That moment.
    pub fn of(self, at: Instant) -> u64 {
        self.1 + nanoseconds(at.duration_since(self.0))
    }
}

/// A span in nanoseconds.
pub fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).expect("far below 500 years")
}

/// A limit: so many permits in each window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limit {
    /// What it is called.
    pub id: String,
    /// The budget of a window.
    pub permits: u32,
    /// The length of a window.
    pub window: Duration,
    /// Where windows start.
    pub phase: Duration,
}

impl Limit {
    /// The windows that `[from, to)` touches, as start and end.
    fn touched(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> + use<> {
        let (length, phase) = (nanoseconds(self.window), nanoseconds(self.phase));
        let first = from.saturating_sub(phase) / length * length + phase;
        let step = usize::try_from(length).expect("64 bits");
        (first..to).step_by(step).map(move |start| (start, start + length))
    }
}

/// What was in force, and who may be granted how much.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The limits.
    pub limits: Vec<Limit>,
    /// The cap of the team that has one.
    pub cap: Option<u32>,
}

/// A policy and when it was asked for, and acknowledged.
#[derive(Clone, Debug)]
struct InForce {
    asked: u64,
    acknowledged: u64,
    shape: Shape,
}

/// A lease as its holder knows it, in nanoseconds since the epoch.
#[derive(Clone, Debug)]
pub struct Held {
    /// Whether it is of the team with a cap.
    pub capped: bool,
    /// Permits that were not returned.
    pub permits: u32,
    /// When it was asked for.
    pub sent: u64,
    /// When it was there.
    pub received: u64,
    /// When the holder stopped using it.
    pub until: u64,
}

impl Held {
    fn may_count_in(&self, (start, end): (u64, u64)) -> bool {
        self.received < end && start < self.until + SLACK_NS
    }
}

/// All that was seen of a run.
#[derive(Debug, Default)]
pub struct Seen {
    /// Leases, in any order.
    pub leases: Vec<Held>,
    shapes: Vec<InForce>,
}

impl Seen {
    /// A policy was asked for, and acknowledged.
    pub fn changed(&mut self, asked: u64, acknowledged: u64, shape: Shape) {
        self.shapes.push(InForce { asked, acknowledged, shape });
    }

    /// How often policy changed.
    pub fn changes(&self) -> usize {
        self.shapes.len()
    }

    /// Everything that may not have been granted, as people read it.
    pub fn excesses(&self) -> Vec<String> {
        self.leases.iter().flat_map(|lease| self.judged(lease)).collect()
    }

    /// The policy in force all the while from a request to its grant, if no other was asked for meanwhile.
    fn at_grant(&self, lease: &Held) -> Option<&InForce> {
        let at = self.shapes.iter().rposition(|shape| shape.acknowledged <= lease.sent)?;
        let next = self.shapes.get(at + 1);
        next.is_none_or(|next| next.asked > lease.received).then(|| &self.shapes[at])
    }

    fn judged(&self, lease: &Held) -> Vec<String> {
        let Some(InForce { shape, .. }) = self.at_grant(lease) else { return Vec::new() };
        let windows = shape.limits.iter().flat_map(|limit| {
            let touched = limit.touched(lease.received, lease.until + SLACK_NS);
            touched.map(move |window| (limit, window))
        });
        let budgets = windows.filter_map(|(limit, window)| self.over_budget(lease, limit, window));
        budgets.chain(self.over_cap(lease, shape)).collect()
    }

    fn over_budget(&self, lease: &Held, limit: &Limit, window: (u64, u64)) -> Option<String> {
        let inside = |held: &&Held| held.received <= lease.received && held.may_count_in(window);
        let sum: u32 = self.leases.iter().filter(inside).map(|held| held.permits).sum();
        let same = |of: &Shape| {
            of.limits.iter().filter(|other| other.window == limit.window).map(|l| l.permits).max()
        };
        let allowed = self.in_force(window.0, lease.received).filter_map(same).max().unwrap_or(0);
        let told = || format!("{sum} of {allowed} in the window of {limit:?} from {window:?}, by {lease:?}");
        (sum > allowed).then(told)
    }

    /// What may have been in force since a window could be booked.
    fn in_force(&self, start: u64, until: u64) -> impl Iterator<Item = &Shape> {
        let ends = self.shapes.iter().skip(1).map(|next| next.acknowledged).chain([u64::MAX]);
        let while_booked = move |(shape, end): &(&InForce, u64)| {
            end.saturating_add(EARLY_NS) >= start && shape.asked <= until
        };
        self.shapes.iter().zip(ends).filter(while_booked).map(|(in_force, _)| &in_force.shape)
    }

    /// A cap is a window's of the shortest limit, whatever becomes of the team.
    fn over_cap(&self, lease: &Held, shape: &Shape) -> Option<String> {
        let limit = shape.limits.iter().min_by_key(|limit| limit.window).filter(|_| lease.capped)?;
        let window = limit.touched(lease.received, lease.received + 1).next()?;
        let caps: Option<Vec<u32>> = self.in_force(window.0, lease.received).map(|of| of.cap).collect();
        let cap = caps?.into_iter().max()?;
        let inside = |held: &&Held| held.capped && window.0 <= held.sent && held.received <= lease.received;
        let sum: u32 = self.leases.iter().filter(inside).map(|held| held.permits).sum();
        (sum > cap).then(|| format!("{sum} of a cap of {cap} in the window from {window:?}, by {lease:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn shape(permits: u32, cap: Option<u32>) -> Shape {
        let [window, phase] = [Duration::from_secs(4), Duration::from_secs(1)];
        Shape { limits: vec![Limit { id: "a".into(), permits, window, phase }], cap }
    }

    fn held(permits: u32, at_ms: u64, until_ms: u64) -> Held {
        let [sent, until] = [at_ms, until_ms].map(|at| 100 * SECOND + at * 1_000_000);
        Held { capped: true, permits, sent, received: sent + 1, until }
    }

    /// Windows start at second 97, 101, 105.
    fn seen(permits: u32, cap: Option<u32>, leases: &[Held]) -> Seen {
        let mut seen = Seen { leases: leases.to_vec(), ..Seen::default() };
        seen.changed(0, 1, shape(permits, cap));
        seen
    }

    #[test]
    fn leases_that_may_be_used_in_one_window_are_counted_together_in_it() {
        // The first may be counted until 100 ms after second 101.
        let leases = [held(3, 100, 800), held(2, 1_200, 4_000)];
        assert_eq!(seen(5, None, &leases).excesses(), Vec::<String>::new());
        assert_eq!(seen(4, None, &leases).excesses().len(), 1);
        let apart = [held(3, 100, 700), held(2, 1_200, 4_000)];
        assert_eq!(seen(3, None, &apart).excesses(), Vec::<String>::new());
    }

    #[test]
    fn a_cap_counts_what_was_granted_in_a_window_of_the_shortest_limit() {
        let leases = [held(3, 1_100, 1_200), held(2, 4_000, 4_100)];
        assert_eq!(seen(9, Some(5), &leases).excesses(), Vec::<String>::new());
        assert_eq!(seen(9, Some(4), &leases).excesses().len(), 1);
    }

    #[test]
    fn a_budget_that_was_lowered_counts_from_the_next_window() {
        let mut lowered = seen(5, None, &[held(3, 1_200, 1_300), held(2, 3_000, 3_100)]);
        lowered.changed(102 * SECOND, 102 * SECOND, shape(4, None));
        assert_eq!(lowered.excesses(), Vec::<String>::new());
        let mut next = seen(5, None, &[held(3, 5_200, 5_300), held(2, 7_000, 7_100)]);
        next.changed(102 * SECOND, 102 * SECOND, shape(4, None));
        assert_eq!(next.excesses().len(), 1);
    }
}
