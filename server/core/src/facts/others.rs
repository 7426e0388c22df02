//! Use of the budget by others: what the provider counted and nobody here was granted, and how much more of it is to come.
//!
//! In the current window the largest lower bound counts, whoever saw it. For later windows only as much counts as two
//! different leases saw, so one caller's reports lower nothing but the current window. What earlier windows showed is expected
//! of a new one, evenly over its length; a response that shows less lets go what was expected by then, as far as it is sure
//! that ours was counted before it. Between two responses nothing is let go.

use super::expectation::{Rest, extrapolate, spread, unsure};
use crate::permits::Permits;
use crate::request::LeaseId;
use crate::time::Span;

/// For how many windows use by others is remembered at most, whatever policy says.
pub const OTHERS_MEMORY_MAX: u32 = 64;

#[derive(Clone, Debug)]
pub(super) struct Others {
    memory: u32,
    /// Nothing while nobody else is known of: the usual case costs no more than this.
    seen: Option<Box<Seen>>,
}

/// What a response says of the use by others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// They used so much of the current window at the least.
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
    /// They had used so much at the most.
    pub(super) used: Permits,
    /// How much of the window was still to come at an instant before that.
    pub(super) rest: Rest,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    current: Permits,
    /// What leases saw of it.
    least: Agreed<Permits>,
    /// How far into it leases saw.
    told: Agreed<Span>,
    /// The provider throttled a request of this window.
    throttled: bool,
    /// What was expected of the whole current window when it started.
    expected: Permits,
    /// Of that, what responses did not let go.
    held: Permits,
    /// What is kept even where more was used than that.
    unsure: Permits,
    /// What the whole of a window took by what two leases saw of it, and how many windows ago that was; the latest
    /// window that ended is 0 ago.
    past: Vec<(u32, Permits)>,
}

/// The most that one lease said, and which, and the most that another one said, too.
#[derive(Clone, Debug, Default)]
struct Agreed<T> {
    most: Option<(LeaseId, T)>,
    by_two: T,
}

impl<T: Copy + Ord> Agreed<T> {
    fn hear(&mut self, lease: LeaseId, said: T) {
        match self.most {
            Some((who, most)) if who == lease => self.most = Some((who, most.max(said))),
            Some((_, most)) => {
                self.by_two = self.by_two.max(most.min(said));
                if said > most {
                    self.most = Some((lease, said));
                }
            }
            None => self.most = Some((lease, said)),
        }
    }
}

impl Others {
    pub(super) fn new(memory: u32, learnt: Permits) -> Self {
        let memory = memory.min(OTHERS_MEMORY_MAX);
        let is_known = memory > 0 && !learnt.is_zero();
        let past = vec![(0, learnt)];
        let seen = is_known.then(|| Box::new(Seen { past, ..Seen::default() }.begun(memory)));
        Self { memory, seen }
    }

    /// From now on use is remembered for so many windows.
    pub(super) fn remember(&mut self, windows: u32) {
        self.memory = windows.min(OTHERS_MEMORY_MAX);
    }

    /// What a new window was expected to lose to others when it started.
    pub(super) fn expected(&self) -> Permits {
        self.seen.as_ref().map_or(Permits::ZERO, |seen| seen.expected)
    }

    /// What is kept of a new window besides, and let go evenly.
    pub(super) fn spread(&self, budget: Permits) -> Permits {
        match &self.seen {
            Some(seen) if !seen.past.is_empty() => spread(seen.expected, budget),
            _ => Permits::ZERO,
        }
    }

    /// What others used of the current window, at the least.
    pub(super) fn used(&self) -> Permits {
        self.seen.as_ref().map_or(Permits::ZERO, |seen| seen.current)
    }

    /// What they will probably use of it yet.
    pub(super) fn to_come(&self) -> Permits {
        self.seen.as_ref().map_or(Permits::ZERO, |seen| seen.to_come())
    }

    /// What a process that starts now must remember: what is expected, or what the current window showed if that is more.
    pub(super) fn learnt(&self) -> Permits {
        match &self.seen {
            Some(seen) if self.memory > 0 => seen.expected.max(seen.least.by_two),
            _ => Permits::ZERO,
        }
    }

    /// A response of the current window. Returns the new lower bound if it rose.
    pub(super) fn observe(&mut self, reading: Reading) -> Option<Permits> {
        if reading.least.is_zero() && self.seen.is_none() {
            return None;
        }
        let seen = self.seen.get_or_insert_default();
        if let Some(most) = reading.most {
            seen.least.hear(most.lease, reading.least);
            // After a throttle others get less than they would use: what it tells is not over the whole time until then.
            if !reading.is_throttled {
                seen.told.hear(most.lease, most.rest.over());
            }
            // No more than this had been used by then, and what is expected of the rest may come.
            seen.held = seen.held.min(most.used + most.rest.of(seen.expected));
            seen.unsure = seen.unsure.min(unsure(most.rest.of(seen.expected)));
        }
        let rose = reading.least > seen.current;
        seen.current = seen.current.max(reading.least);
        rose.then_some(reading.least)
    }

    /// The provider throttled a request of the current window: others are about, however little was seen of them.
    pub(super) fn throttled(&mut self) {
        self.seen.get_or_insert_default().throttled = true;
    }

    /// A new window started, so many windows after the last one; `budget` is its own.
    pub(super) fn roll(&mut self, windows: u32, length: Span, budget: Permits) {
        if let Some(seen) = self.seen.take() {
            let past = seen.rolled(windows, self.memory, length, budget);
            if !past.is_empty() {
                self.seen = Some(Box::new(Seen { past, ..Seen::default() }.begun(self.memory)));
            }
        }
    }
}

impl Seen {
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

    /// The window is over, and so many began since.
    fn rolled(self, windows: u32, memory: u32, length: Span, budget: Permits) -> Vec<(u32, Permits)> {
        let used = extrapolate(self.least.by_two, self.told.by_two, length, budget);
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
