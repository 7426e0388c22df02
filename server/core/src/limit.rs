//! One limit of a workspace as the allocator sees it: its window, what was booked of it, and what is held back in it.

use crate::blocks::Blocks;
use crate::facts::{Facts, Learned};
use crate::ids::LimitId;
use crate::permits::Permits;
use crate::policy::{LimitPolicy, Margins, Policy};
use crate::priority::Priority;
use crate::share::ahead::Ahead;
use crate::share::holdback::Holdback;
use crate::share::remaining::{Fraction, Remaining};
use crate::share::tree::NodeIx;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// One limit.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) id: LimitId,
    /// The series of its windows: a new one whenever their boundaries move.
    pub(crate) series: u32,
    /// Its boundaries moved during this window.
    pub(crate) is_new: bool,
    pub(crate) margins: Margins,
    pub(crate) facts: Facts,
    pub(crate) window: Window,
    /// The budget of this window.
    pub(crate) budget: Permits,
    pub(crate) blocks: Blocks,
    /// The blocks of the next window.
    pub(crate) next_blocks: Blocks,
    pub(crate) holdback: Holdback,
    /// What is known of the next window before it opens; none until a request comes at the edge of this one.
    pub(crate) ahead: Option<Box<Ahead>>,
    /// The provider asked for no request before then.
    pub(crate) cooldown_until: Timestamp,
    /// When this window was entered. A lease granted before has ended for this limit.
    pub(crate) rolled_at: Timestamp,
    /// What is held back of this window for variations of external use, as far as it is not released yet.
    pub(crate) spread_held: Permits,
    /// What leases had been reported to have used in all, modulo 2^32, when this window was entered.
    pub(crate) used_before: u32,
    /// How many responses were ignored, as a whole or in what they reported of the phase.
    pub(crate) ignored: u32,
    /// How many responses throttled a request, or asked to wait.
    pub(crate) throttles: u32,
}

impl Limit {
    /// A limit of `policy` at `now`, with what was learned of it before. Nothing is known to be booked yet.
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
            blocks: Blocks::default(),
            next_blocks: Blocks::default(),
            holdback: Holdback::default(),
            ahead: None,
            rolled_at: now,
            cooldown_until: facts.learned().cooldown_until.unwrap_or(Timestamp::ZERO),
            spread_held: Permits::ZERO,
            used_before: 0,
            ignored: 0,
            throttles: 0,
            facts,
        };
        limit.window = limit.window_of(now);
        limit.spread_held = limit.spread_at(now);
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

    /// A window starts. Recent external use is held back from it; `used` was reported as used in all so far.
    pub(crate) fn roll(&mut self, window: Window, now: Timestamp, used: u32) {
        self.rolled_at = now;
        self.is_new = false;
        self.used_before = used;
        self.facts.roll(&window);
        self.window = window;
        self.budget = self.facts.budget();
        self.blocks = std::mem::take(&mut self.next_blocks);
        self.blocks.external_unbooked = self.facts.external_use();
        self.spread_held = self.spread_at(now);
    }

    /// Releases what is due of the spread.
    pub(crate) fn release_spread(&mut self, now: Timestamp) {
        if !self.spread_held.is_zero() {
            self.spread_held = self.spread_held.min(self.spread_at(now));
        }
    }

    fn spread(&self) -> Fraction {
        Fraction::whole(u64::from(self.facts.external_use_margin()))
    }

    /// What is held back of the spread at an instant.
    pub(crate) fn spread_at(&self, at: Timestamp) -> Permits {
        Permits::clamped(self.remaining(at).of(self.spread()))
    }

    /// When the next permit of the spread is released.
    pub(crate) fn next_release(&self, now: Timestamp) -> Option<Timestamp> {
        if self.spread_held.is_zero() {
            return None;
        }
        let (remaining, spread) = (self.remaining(now), self.spread());
        remaining.until_less(remaining.of(spread), spread).map(|wait| now + wait)
    }

    /// What was reported as used of this window when `used` was in all; nothing where that was before the window.
    pub(crate) fn used_since_start(&self, used: u32) -> Permits {
        let since = used.wrapping_sub(self.used_before);
        if since > u32::MAX / 2 { Permits::ZERO } else { Permits::clamped(u64::from(since)) }
    }

    /// The window that follows.
    pub(crate) fn next_window(&self) -> Window {
        self.facts.grid().next(&self.window)
    }

    /// When the next window opens for grants.
    pub(crate) fn next_opens(&self) -> Timestamp {
        self.next_window().opens(&self.margins).max(self.cooldown_until)
    }

    /// When this window opens for grants.
    pub(crate) fn opens(&self) -> Timestamp {
        self.window.opens(&self.margins).max(self.cooldown_until)
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
    pub(crate) fn left(&self, is_store_lost: bool) -> Permits {
        self.blocks.left(self.budget, self.facts.external_use_to_come() + self.spread_held, is_store_lost)
    }

    /// The most that may be left at some time: once the spread is released, the store is back, and a response showed less external use
    /// than is expected.
    pub(crate) fn left_at_most(&self) -> Permits {
        self.blocks.left(self.budget, Permits::ZERO, false)
    }

    /// Permits left in the next window.
    pub(crate) fn left_next(&self, is_store_lost: bool) -> Permits {
        self.next_blocks.left(self.next_budget(), self.facts.learned().external_use, is_store_lost)
    }

    /// The part of the window still to come before its guard: the whole of it until it opens, which may be long after its start.
    pub(crate) fn remaining(&self, at: Timestamp) -> Remaining {
        let (opens, closes) = (self.opens(), self.closes());
        Remaining { left: closes.since(at.max(opens)), whole: closes.since(opens) }
    }

    /// Where a grant counts: an edge permit in the next window, whose expected demand is divided already.
    pub(crate) fn counts(&mut self, is_edge: bool) -> &mut Holdback {
        if is_edge { &mut self.ahead.get_or_insert_default().holdback } else { &mut self.holdback }
    }

    /// What is held back in the next window, if anything is known of it.
    pub(crate) fn next_holdback(&self) -> Option<&Holdback> {
        self.ahead.as_ref().map(|ahead| &ahead.holdback)
    }

    /// All that was granted out of this window, edge permits included.
    pub(crate) fn granted_in_all(&self) -> u64 {
        self.holdback.granted() + self.next_holdback().map_or(0, Holdback::granted)
    }

    /// Updates what is held back for a team after its queue changed.
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

    /// Policy changed: what the next window expects must be divided again.
    pub(crate) fn invalidate_ahead(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.invalidate();
        }
    }
}
