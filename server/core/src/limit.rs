//! One limit of a workspace as the allocator sees it: its window, what was booked of it, and what is kept in it.

use crate::permits::Permits;
use crate::policy::LimitPolicy;
use crate::share::holdback::{Holdback, Remaining};
use crate::time::Timestamp;
use crate::window::{Grid, Window};

/// What is known of the booking of one window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Booking {
    /// How much of the window has been booked, by anyone.
    pub(crate) mark: Permits,
    /// Of that, what this process may still grant.
    pub(crate) free: Permits,
    /// The size of the newest block.
    pub(crate) block: Permits,
    /// A block was asked for and the answer is not here yet.
    pub(crate) asked: bool,
    /// What others than Apportion used, at the least.
    pub(crate) others: Permits,
    /// Nothing more in this window, says the provider.
    pub(crate) exhausted: bool,
}

/// One limit.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) policy: LimitPolicy,
    pub(crate) grid: Grid,
    pub(crate) window: Window,
    /// The budget of this window.
    pub(crate) budget: Permits,
    pub(crate) booking: Booking,
    /// The booking of the next window.
    pub(crate) next: Booking,
    pub(crate) holdback: Holdback,
    /// No grant before then, says the provider.
    pub(crate) stop_until: Timestamp,
}

impl Limit {
    /// A limit at `now`, of whose windows nothing is known yet.
    pub(crate) fn new(policy: &LimitPolicy, now: Timestamp) -> Self {
        let grid = Grid::new(policy.window, policy.phase);
        let mut window = grid.at(now);
        if now < window.opens(&policy.margins) && window.start.earliest > Timestamp::ZERO {
            window = grid.at(window.start.earliest - crate::time::Span::from_ns(1));
        }
        Self {
            policy: policy.clone(),
            grid,
            window,
            budget: policy.permits,
            booking: Booking::default(),
            next: Booking::default(),
            holdback: Holdback::default(),
            stop_until: Timestamp::ZERO,
        }
    }

    /// The window that follows.
    pub(crate) fn next_window(&self) -> Window {
        self.grid.next(&self.window)
    }

    /// When the next window opens for grants.
    pub(crate) fn next_opens(&self) -> Timestamp {
        self.next_window().opens(&self.policy.margins).max(self.stop_until)
    }

    /// The last instant at which a permit of this window is granted.
    pub(crate) fn closes(&self) -> Timestamp {
        self.window.closes(&self.policy.margins)
    }

    /// Whether permits of this window may be granted.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        let opens = self.window.opens(&self.policy.margins).max(self.stop_until);
        opens <= now && now <= self.closes()
    }

    /// Permits left in this window, booked or not.
    pub(crate) fn left(&self, store_lost: bool) -> Permits {
        left(&self.booking, self.budget, store_lost)
    }

    /// Permits left in the next window.
    pub(crate) fn left_next(&self, store_lost: bool) -> Permits {
        left(&self.next, self.policy.permits, store_lost)
    }

    /// The part of the window still to come before its guard.
    pub(crate) fn remaining(&self, at: Timestamp) -> Remaining {
        let closes = self.closes();
        Remaining { left: closes.since(at), whole: closes.since(self.window.start.earliest) }
    }

    /// Takes permits out of the window's block.
    pub(crate) fn take(&mut self, n: Permits) {
        self.booking.free -= n;
    }

    /// Puts permits back into the window's block.
    pub(crate) fn put_back(&mut self, n: Permits) {
        self.booking.free += n;
    }
}

fn left(booking: &Booking, budget: Permits, store_lost: bool) -> Permits {
    if booking.exhausted {
        return Permits::ZERO;
    }
    let left = budget.less(booking.mark.less(booking.free) + booking.others);
    if store_lost { left.min(booking.free) } else { left }
}
