//! How many permits one bucket of RLQS needs in a window, by what its Envoy reported. A function of reports and of the length of the
//! window.

use apportion_core::permits::Permits;
use apportion_core::time::Span;

/// The part of a budget that a bucket gets whose demand is not known yet, by which the budget is divided.
const UNKNOWN_PART: u32 = 16;

/// What was reported of a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct BucketDemand {
    /// Requests of the last report, let through and denied, and the time that they came in; none before the first that has one.
    last: Option<(u64, Span)>,
    /// Requests that went on, in all.
    pub(super) allowed: u64,
}

impl BucketDemand {
    /// The demand after one more report. The first has no time, since it is sent with the first request.
    pub(super) fn after(self, allowed: u64, denied: u64, elapsed: Span) -> Self {
        let last = match elapsed {
            Span::ZERO => self.last,
            elapsed => Some((allowed.saturating_add(denied), elapsed)),
        };
        Self { last, allowed: self.allowed.saturating_add(allowed) }
    }

    /// Whether the last report was of no request.
    pub(super) fn is_idle(&self) -> bool {
        self.last.is_some_and(|(requests, _)| requests == 0)
    }

    /// The permits that it needs in `window` of this budget: as many requests as came in such a time, and the square root of that, since
    /// they do not come evenly. At least one, so that a bucket that was idle is not denied everything.
    pub(super) fn permits(&self, window: Span, budget: Permits) -> Permits {
        let Some((requests, elapsed)) = self.last else {
            return Permits::clamped(u64::from(budget.get().div_ceil(UNKNOWN_PART)).max(1));
        };
        // Rounded up.
        let mean =
            (u128::from(requests) * u128::from(window.as_ns())).div_ceil(u128::from(elapsed.as_ns()).max(1));
        let mean = u64::try_from(mean).unwrap_or(u64::MAX);
        Permits::clamped(mean.saturating_add(mean.isqrt()).max(1)).min(budget)
    }

    /// How long so many permits last; none where that is not known, or no requests come.
    pub(super) fn lasts(&self, permits: u32) -> Option<Span> {
        let (requests, elapsed) = self.last.filter(|(requests, _)| *requests > 0)?;
        let ns = u128::from(permits) * u128::from(elapsed.as_ns()) / u128::from(requests);
        Some(Span::from_ns(u64::try_from(ns).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Span = Span::from_secs(10);

    fn budget() -> Permits {
        Permits::new(160).expect("a number")
    }

    #[test]
    fn before_a_report_with_a_time_a_bucket_gets_a_sixteenth() {
        let first = BucketDemand::default().after(1, 0, Span::ZERO);
        assert_eq!((first.permits(WINDOW, budget()).get(), first.allowed), (10, 1));
        assert_eq!(first.lasts(10), None);
    }

    #[test]
    fn what_came_in_the_last_report_is_expected_again_with_some_more() {
        let steady = BucketDemand::default().after(40, 10, Span::from_secs(5));
        assert_eq!(steady.permits(WINDOW, budget()).get(), 100 + 10);
        assert_eq!(steady.lasts(20), Some(Span::from_secs(2)));
        assert_eq!(steady.after(400, 4_000, Span::from_secs(5)).permits(WINDOW, budget()), budget());
    }

    #[test]
    fn an_idle_bucket_keeps_one_permit_and_absurd_reports_stay_inside_the_bounds() {
        let idle = BucketDemand::default().after(0, 0, Span::from_secs(5));
        assert_eq!((idle.permits(WINDOW, budget()).get(), idle.is_idle(), idle.lasts(1)), (1, true, None));
        let absurd = BucketDemand::default().after(u64::MAX, u64::MAX, Span::from_ns(1));
        assert_eq!(absurd.permits(Span::MAX, budget()), budget());
        assert_eq!(absurd.lasts(u32::MAX), Some(Span::ZERO));
    }
}
