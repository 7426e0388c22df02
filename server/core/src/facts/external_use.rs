//! External use: what the provider counted and nobody here was granted, and how much more of it is to come.
//!
//! In the current window the largest lower bound counts, under whichever lease it was reported. For later windows only as much counts as two
//! different leases reported, so one caller's reports lower nothing but the current window. What earlier windows showed is
//! expected of a new one, evenly over its length. A response that shows less releases what was expected by then, as far as our
//! own use was certainly counted before it. Between two responses nothing is released.

use super::agreed::Agreed;
use super::expectation::{Rest, extrapolate, margin, unsure};
use crate::permits::Permits;
use crate::request::LeaseId;
use crate::time::Span;

/// For how many windows external use is remembered at most, whatever policy says.
pub const EXTERNAL_USE_MEMORY_MAX: u32 = 64;

#[derive(Clone, Debug)]
pub(super) struct ExternalUse {
    memory: u32,
    /// `None` while no external use is known: the usual case costs no more than this.
    tracked: Option<Box<Tracked>>,
}

/// What a response says of external use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The external use of the current window, at least.
    pub(super) least: Permits,
    /// The request was throttled.
    pub(super) is_throttled: bool,
    /// The same from above, where the lease of the response is known.
    pub(super) most: Option<Most>,
}

/// An upper bound under a lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub(super) lease: LeaseId,
    /// The external use by then, at most.
    pub(super) used: Permits,
    /// How much of the window was still to come at an instant before that.
    pub(super) rest: Rest,
}

#[derive(Clone, Debug, Default)]
struct Tracked {
    /// The external use of the current window, at least.
    current: Permits,
    /// The same, as leases reported it.
    least: Agreed<Permits>,
    /// How far into the window leases saw.
    seen_until: Agreed<Span>,
    /// The provider throttled a request of this window.
    throttled: bool,
    /// What was expected of the whole current window when it started.
    expected: Permits,
    /// Of that, what responses did not release.
    held: Permits,
    /// What is kept even where more was used than that.
    unsure: Permits,
    /// What the whole of a window took by what two leases saw of it, and how many windows ago that was; the latest window that
    /// ended is 0 ago.
    past: Vec<(u32, Permits)>,
}

impl ExternalUse {
    pub(super) fn new(memory: u32, learned: Permits) -> Self {
        let memory = memory.min(EXTERNAL_USE_MEMORY_MAX);
        let is_known = memory > 0 && !learned.is_zero();
        let past = vec![(0, learned)];
        let tracked = is_known.then(|| Box::new(Tracked { past, ..Tracked::default() }.begun(memory)));
        Self { memory, tracked }
    }

    /// Remembers external use for so many windows from now on.
    pub(super) fn remember(&mut self, windows: u32) {
        self.memory = windows.min(EXTERNAL_USE_MEMORY_MAX);
    }

    /// What is kept of a new window besides, and released evenly.
    pub(super) fn margin(&self, budget: Permits) -> Permits {
        match &self.tracked {
            Some(tracked) if !tracked.past.is_empty() => margin(tracked.expected, budget),
            _ => Permits::ZERO,
        }
    }

    /// The external use of the current window, at least.
    pub(super) fn used(&self) -> Permits {
        self.tracked.as_ref().map_or(Permits::ZERO, |tracked| tracked.current)
    }

    /// The external use that is still expected of it.
    pub(super) fn to_come(&self) -> Permits {
        self.tracked.as_ref().map_or(Permits::ZERO, |tracked| tracked.to_come())
    }

    /// What must survive a restart: what is expected, or what the current window showed if that is more.
    pub(super) fn learned(&self) -> Permits {
        match &self.tracked {
            Some(tracked) if self.memory > 0 => tracked.expected.max(tracked.least.by_two),
            _ => Permits::ZERO,
        }
    }

    /// A response of the current window. Returns the new lower bound if it rose.
    pub(super) fn observe(&mut self, reading: Reading) -> Option<Permits> {
        if reading.least.is_zero() && self.tracked.is_none() {
            return None;
        }
        let tracked = self.tracked.get_or_insert_default();
        if let Some(most) = reading.most {
            tracked.least.add(most.lease, reading.least);
            // After a throttle external use is less than it would be: it says nothing about the whole time until then.
            if !reading.is_throttled {
                tracked.seen_until.add(most.lease, most.rest.over());
            }
            // No more than this had been used by then, and what is expected of the rest may come.
            tracked.held = tracked.held.min(most.used + most.rest.of(tracked.expected));
            tracked.unsure = tracked.unsure.min(unsure(most.rest.of(tracked.expected)));
        }
        let rose = reading.least > tracked.current;
        tracked.current = tracked.current.max(reading.least);
        rose.then_some(reading.least)
    }

    /// The provider throttled a request of the current window: there is external use, however little of it was seen.
    pub(super) fn throttled(&mut self) {
        self.tracked.get_or_insert_default().throttled = true;
    }

    /// Starts a new window, so many windows after the last one, with the budget of the new one.
    pub(super) fn roll(&mut self, windows: u32, length: Span, budget: Permits) {
        if let Some(tracked) = self.tracked.take() {
            let past = tracked.rolled(windows, self.memory, length, budget);
            if !past.is_empty() {
                self.tracked = Some(Box::new(Tracked { past, ..Tracked::default() }.begun(self.memory)));
            }
        }
    }
}

impl Tracked {
    /// A window starts: the largest of the remembered ones is expected of it, each of them less by an equal part of it with
    /// every window since, rounded up.
    fn begun(mut self, memory: u32) -> Self {
        let decayed = |&(ago, used): &(u32, Permits)| {
            let left = u64::from(memory.saturating_sub(ago));
            Permits::clamped((u64::from(used) * left).div_ceil(u64::from(memory.max(1))))
        };
        self.expected = self.past.iter().map(decayed).max().unwrap_or_default();
        self.held = self.expected;
        self.unsure = unsure(self.expected);
        self
    }

    fn to_come(&self) -> Permits {
        self.held.less(self.current).max(self.unsure)
    }

    /// What is remembered once the window is over and so many began since.
    fn rolled(self, windows: u32, memory: u32, length: Span, budget: Permits) -> Vec<(u32, Permits)> {
        let used = extrapolate(self.least.by_two, self.seen_until.by_two, length, budget);
        let mut past = self.past;
        for (ago, _) in &mut past {
            *ago = ago.saturating_add(windows);
        }
        if !used.is_zero() || self.throttled {
            past.push((windows.saturating_sub(1), used));
        }
        past.retain(|&(ago, _)| ago < memory);
        past
    }
}
