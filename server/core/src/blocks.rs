//! What is known of the booking of one window: how far it is booked, and what of that may still be granted.

use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};

/// The first pause after a block was refused.
const PAUSE_FIRST_MS: u8 = 1;
/// The longest one.
const PAUSE_LONGEST_MS: u8 = 100;

/// The blocks of one window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Blocks {
    /// How much of the window is booked, by anyone.
    pub(crate) mark: Permits,
    /// Of the mark, what this allocator booked, and what came back of leases that the window started with.
    booked_here: Permits,
    /// Of that, what it may still grant.
    pub(crate) free: Permits,
    /// The size of the newest block.
    newest: Permits,
    /// Of the mark, what was booked before this process booked anything.
    pub(crate) booked_elsewhere: Permits,
    /// A block was requested and there is no answer yet.
    is_requested: bool,
    /// The last request was refused: the next one waits until then.
    retry_after: Timestamp,
    /// How long that pause was, in milliseconds.
    pause_ms: u8,
    /// Whether a block was confirmed.
    pub(crate) has_confirmed_block: bool,
    /// The known external use that is not booked yet.
    pub(crate) external_unbooked: Permits,
    /// Of the mark, what was booked for external use.
    pub(crate) external_booked: Permits,
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
    /// The provider reported it.
    ByProvider,
}

/// What the size of a block depends on, beside what is booked already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) budget: Permits,
    /// Permits that wait.
    pub(crate) waiting: u64,
    /// External use that is still expected in the window.
    pub(crate) external_to_come: Permits,
    /// Whether even the first block is requested before a request waits for it.
    pub(crate) is_ahead: bool,
}

impl Blocks {
    /// Those of a window of which nothing is known but whether it counts as used.
    pub(crate) fn unknown(exhausted: Exhausted) -> Self {
        Self { exhausted, ..Self::default() }
    }

    /// What this allocator granted of the window, and did not get back.
    pub(crate) fn granted(&self) -> Permits {
        self.booked_here.less(self.free)
    }

    /// Everything that is booked and not free: granted here, or booked by another process or for external use.
    #[inline]
    pub(crate) fn unavailable(&self) -> Permits {
        self.mark.less(self.free)
    }

    /// Whether nothing more may be granted of the window.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted != Exhausted::No
    }

    /// What may be granted of a window of `budget` of which `held` is kept.
    #[inline]
    pub(crate) fn left(&self, budget: Permits, held: Permits, is_store_lost: bool) -> Permits {
        if self.is_exhausted() {
            return Permits::ZERO;
        }
        let left = budget.less(self.unavailable() + self.external_unbooked + held);
        if is_store_lost { left.min(self.free) } else { left }
    }

    /// Takes permits out of what is free.
    #[inline]
    pub(crate) fn take(&mut self, n: Permits) {
        debug_assert!(n <= self.free, "{n} permits of {} free ones", self.free);
        self.free -= n;
    }

    /// Puts granted permits back.
    pub(crate) fn put_back(&mut self, n: Permits) {
        self.free += n;
        debug_assert!(self.free <= self.booked_here, "{} free of {} booked", self.free, self.booked_here);
    }

    /// Puts back permits that the window started with: they came back before they were used.
    pub(crate) fn put_back_carried(&mut self, n: Permits) {
        self.booked_here += n;
        self.free += n;
    }

    /// Whether a block is to be requested: less than half of the last is free, or more waits than is free.
    pub(crate) fn is_short(&self, now: Timestamp, need: &Need) -> bool {
        let is_paused = self.is_requested || now < self.retry_after;
        if is_paused || self.is_exhausted() || self.mark >= need.budget {
            return false;
        }
        let free = u64::from(self.free);
        let is_first = need.is_ahead && !self.has_confirmed_block;
        let has_external = !self.external_unbooked.is_zero();
        need.waiting > free || has_external || is_first || free * 2 < u64::from(self.newest)
    }

    /// The size of the next block, where about `per_second` permits are granted in a second; `None` if nothing is left for one.
    pub(crate) fn next_size(&self, need: &Need, per_second: u64) -> Option<Permits> {
        let remaining = u64::from(need.budget.less(self.mark));
        let external = u64::from(self.external_unbooked);
        let ours = remaining.saturating_sub(external + u64::from(need.external_to_come));
        if ours + external == 0 {
            return None;
        }
        let least = u64::from(need.budget.get() / 32).max(1);
        let size = external + least.max(need.waiting + per_second).min(ours);
        Some(Permits::clamped(size.min(remaining)))
    }

    /// A block is requested.
    pub(crate) fn request(&mut self) {
        self.is_requested = true;
    }

    /// Units `from + 1 ..= to` of the window were booked for this process.
    pub(crate) fn confirm(&mut self, from: Permits, to: Permits) {
        if !self.has_confirmed_block && !mutant::active(Mutant::TakeOverIgnoresCaps) {
            // Another process granted these, to unknown teams: every cap has to reckon with them.
            self.booked_elsewhere = from;
        }
        self.has_confirmed_block = true;
        self.is_requested = false;
        self.pause_ms = 0;
        self.mark = self.mark.max(to);
        let size = to.less(from);
        // External use is booked like a grant: it is gone for everybody, after a restart too.
        let external = self.external_unbooked.min(size);
        self.external_unbooked -= external;
        self.external_booked += external;
        self.newest = size.less(external);
        self.booked_here += size;
        self.free += self.newest;
        debug_assert!(self.newest + external == size, "a block is free or booked for external use");
    }

    /// The ledger books no more of the window: it is spent.
    pub(crate) fn spend(&mut self, budget: Permits) {
        self.is_requested = false;
        self.mark = self.mark.max(budget);
    }

    /// The request was refused: the next one follows after a pause that doubles.
    pub(crate) fn pause(&mut self, now: Timestamp) {
        self.pause_ms = self.pause_ms.saturating_mul(2).clamp(PAUSE_FIRST_MS, PAUSE_LONGEST_MS);
        self.is_requested = false;
        self.retry_after = now + Span::from_ms(u64::from(self.pause_ms));
    }

    /// Nobody will answer the request any more.
    pub(crate) fn forget_request(&mut self) {
        self.is_requested = false;
    }

    /// When the next block may be requested, if that is later than `now`.
    pub(crate) fn retry_at(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.retry_after).filter(|&at| at > now && !self.is_requested)
    }
}
