//! One limit of a workspace as the allocator sees it: its window, what was booked of it, and what is kept in it.

use crate::facts::{Facts, Learned};
use crate::ids::LimitId;
use crate::permits::Permits;
use crate::policy::{LimitPolicy, Margins, Policy};
use crate::priority::Priority;
use crate::share::ahead::Ahead;
use crate::share::holdback::{Holdback, Remaining};
use crate::share::tree::NodeIx;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// What is known of the booking of one window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Booking {
    /// How much of the window has been booked, by anyone.
    pub(crate) mark: Permits,
    /// Of the mark, what this allocator booked, and what came back of leases that the window started with.
    pub(crate) own: Permits,
    /// Of that, what it may still grant.
    pub(crate) free: Permits,
    /// The size of the newest block.
    pub(crate) block: Permits,
    /// Of the mark, what others had booked before this process did.
    pub(crate) foreign: Permits,
    /// A block was asked for and the answer is not here yet.
    pub(crate) asked: bool,
    /// The last one was refused: it is not asked for again before then.
    pub(crate) ask_after: Timestamp,
    /// How long that pause was, in milliseconds.
    pub(crate) pause_ms: u8,
    /// A block was confirmed.
    pub(crate) is_known: bool,
    /// What others than Apportion used, at the least, as far as it is not booked yet.
    pub(crate) others: Permits,
    /// Of the mark, what was booked for the use by others.
    pub(crate) charged: Permits,
    /// Whether nothing more may be granted of the window, and why.
    pub(crate) exhausted: Exhausted,
}

/// Why a window counts as used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Exhausted {
    /// It does not.
    #[default]
    No,
    /// It was open while the clock was wrong.
    ByClock,
    /// The provider says so.
    ByProvider,
}

impl Booking {
    /// What this allocator granted of the window, and did not get back.
    pub(crate) fn granted(&self) -> Permits {
        self.own.less(self.free)
    }

    /// Whether nothing more may be granted of the window.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted != Exhausted::No
    }
}

/// One limit.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) id: LimitId,
    /// Which series of windows it is in: another one whenever they come to lie elsewhere.
    pub(crate) series: u32,
    /// Its windows have lain so since some time in this window only.
    pub(crate) is_new: bool,
    pub(crate) margins: Margins,
    pub(crate) facts: Facts,
    pub(crate) window: Window,
    /// The budget of this window.
    pub(crate) budget: Permits,
    pub(crate) booking: Booking,
    /// The booking of the next window.
    pub(crate) next: Booking,
    pub(crate) holdback: Holdback,
    /// What is known of the next window before it opens; nothing before somebody asks at the edge of this one.
    pub(crate) ahead: Option<Box<Ahead>>,
    /// No grant before then, says the provider.
    pub(crate) stop_until: Timestamp,
    /// When this window was entered. A lease granted before has ended for this limit.
    pub(crate) rolled_at: Timestamp,
    /// What is kept of this window until its guard while others are about, as far as time has not let go of it yet.
    pub(crate) spread_kept: Permits,
    /// What leases had been reported to have used in all, modulo 2^32, when this window was entered.
    pub(crate) spent_before: u32,
    /// How many responses were ignored, as a whole or in what they said of the phase.
    pub(crate) ignored: u32,
}

impl Limit {
    /// A limit of `policy` at `now`, with what was learned of it before. Of its windows nothing is known to be booked yet.
    pub(crate) fn new(
        limit: &LimitPolicy,
        policy: &Policy,
        learned: Option<&Learned>,
        series: u32,
        now: Timestamp,
    ) -> Self {
        let facts = Facts::new(limit, policy.created_at, policy.external_use_memory, learned);
        let mut limit = Self {
            id: limit.id.clone(),
            series,
            is_new: false,
            margins: limit.margins,
            window: facts.grid().at(now),
            budget: facts.budget(),
            booking: Booking::default(),
            next: Booking::default(),
            holdback: Holdback::default(),
            ahead: None,
            rolled_at: now,
            stop_until: facts.learned().cooldown_until.unwrap_or(Timestamp::ZERO),
            spread_kept: Permits::ZERO,
            spent_before: 0,
            ignored: 0,
            facts,
        };
        limit.window = limit.window_of(now);
        limit.spread_kept = limit.spread_at(now);
        limit
    }

    /// The window in force at `now`: the one that opened last.
    pub(crate) fn window_of(&self, now: Timestamp) -> Window {
        let grid = self.facts.grid();
        let window = grid.at(now);
        if now >= window.opens(&self.margins) || window.start.earliest == Timestamp::ZERO {
            return window;
        }
        grid.at(window.start.earliest - Span::from_ns(1))
    }

    /// The length of its windows.
    pub(crate) fn length(&self) -> Span {
        self.facts.grid().length()
    }

    /// The budget of the next window, as known now.
    pub(crate) fn next_budget(&self) -> Permits {
        self.facts.budget()
    }

    /// A window starts. What others used lately is kept from it; `spent` was reported as used in all so far.
    pub(crate) fn roll(&mut self, window: Window, now: Timestamp, spent: u32) {
        self.rolled_at = now;
        self.is_new = false;
        self.spent_before = spent;
        self.facts.roll(&window);
        self.window = window;
        self.budget = self.facts.budget();
        self.booking = std::mem::take(&mut self.next);
        self.booking.others = self.facts.external_use();
        self.spread_kept = self.spread_at(now);
    }

    /// Lets go what time has let go of the spread.
    pub(crate) fn let_go(&mut self, now: Timestamp) {
        if !self.spread_kept.is_zero() {
            self.spread_kept = self.spread_kept.min(self.spread_at(now));
        }
    }

    /// What is kept of the spread at an instant.
    pub(crate) fn spread_at(&self, at: Timestamp) -> Permits {
        Permits::clamped(self.remaining(at).of(u64::from(self.facts.external_use_margin()), 1))
    }

    /// When the next permit of the spread is let go.
    pub(crate) fn next_let_go(&self, now: Timestamp) -> Option<Timestamp> {
        if self.spread_kept.is_zero() {
            return None;
        }
        let wait = self.remaining(now).until_less(u64::from(self.facts.external_use_margin()), 1);
        wait.map(|wait| now + wait)
    }

    /// What was reported as used of this window, where `spent` was in all; nothing where that was before the window.
    pub(crate) fn spent(&self, spent: u32) -> Permits {
        let since = spent.wrapping_sub(self.spent_before);
        if since > u32::MAX / 2 { Permits::ZERO } else { Permits::clamped(u64::from(since)) }
    }

    /// The window that follows.
    pub(crate) fn next_window(&self) -> Window {
        self.facts.grid().next(&self.window)
    }

    /// When the next window opens for grants.
    pub(crate) fn next_opens(&self) -> Timestamp {
        self.next_window().opens(&self.margins).max(self.stop_until)
    }

    /// When this window opens for grants.
    pub(crate) fn opens(&self) -> Timestamp {
        self.window.opens(&self.margins).max(self.stop_until)
    }

    /// The last instant at which a permit of this window is granted.
    pub(crate) fn closes(&self) -> Timestamp {
        self.window.closes(&self.margins)
    }

    /// Whether permits of this window may be granted.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.opens() <= now && now <= self.closes()
    }

    /// Permits left in this window, booked or not.
    pub(crate) fn left(&self, store_lost: bool) -> Permits {
        left(&self.booking, self.budget, self.facts.external_use_to_come() + self.spread_kept, store_lost)
    }

    /// The most that may be left at some time: once the spread is let go, the store is back, and a response showed that others do
    /// not use what is expected of them.
    pub(crate) fn left_at_most(&self) -> Permits {
        left(&self.booking, self.budget, Permits::ZERO, false)
    }

    /// Permits left in the next window.
    pub(crate) fn left_next(&self, store_lost: bool) -> Permits {
        left(&self.next, self.next_budget(), self.facts.learned().external_use, store_lost)
    }

    /// The part of the window still to come before its guard: the whole of it until it opens, which may be long after its start.
    pub(crate) fn remaining(&self, at: Timestamp) -> Remaining {
        let (opens, closes) = (self.opens(), self.closes());
        Remaining { left: closes.since(at.max(opens)), whole: closes.since(opens) }
    }

    /// Where it counts what a grant won: an edge permit counts in the next window, whose expected demand is divided already.
    pub(crate) fn won(&mut self, edge: bool) -> &mut Holdback {
        if edge { &mut self.ahead.get_or_insert_default().holdback } else { &mut self.holdback }
    }

    /// All that was granted out of this window, edge permits included.
    pub(crate) fn won_in_all(&self) -> u64 {
        self.holdback.won() + self.ahead.as_ref().map_or(0, |ahead| ahead.holdback.won())
    }

    /// A team's queue changed: what is kept for it follows.
    pub(crate) fn refresh(&mut self, team: NodeIx, c: Priority, queued: u64) {
        self.holdback.refresh(team, c, queued);
        if let Some(ahead) = &mut self.ahead {
            ahead.holdback.refresh(team, c, queued);
        }
    }

    /// Forgets a team that was removed.
    pub(crate) fn forget(&mut self, team: NodeIx) {
        self.holdback.forget(team);
        if let Some(ahead) = &mut self.ahead {
            ahead.holdback.forget(team);
        }
    }

    /// Policy changed: what the next window expects is to be divided anew.
    pub(crate) fn outdate(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.outdate();
        }
    }

    /// Takes permits out of the window's block.
    pub(crate) fn take(&mut self, n: Permits) {
        self.booking.free -= n;
    }

    /// Puts permits back into the window's block.
    pub(crate) fn put_back(&mut self, n: Permits) {
        self.booking.free += n;
    }

    /// Puts permits that the window started with into its block: they came back before they were used.
    pub(crate) fn put_back_carried(&mut self, n: Permits) {
        self.booking.own += n;
        self.booking.free += n;
    }
}

fn left(booking: &Booking, budget: Permits, kept: Permits, store_lost: bool) -> Permits {
    if booking.is_exhausted() {
        return Permits::ZERO;
    }
    let left = budget.less(booking.mark.less(booking.free) + booking.others + kept);
    if store_lost { left.min(booking.free) } else { left }
}
