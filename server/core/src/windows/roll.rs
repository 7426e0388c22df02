//! Time passes: a window follows another, and what is held back is let go.

use super::state::Windows;
use crate::permits::Permits;
use crate::policy::{Policy, Share};
use crate::priority::{PerPriority, Priority};
use crate::share::ahead::Ahead;
use crate::share::holdback::{Decay, Division, HoldbackSizes};
use crate::share::remaining::Fraction;
use crate::share::tree::{NodeIx, Tree};
use crate::time::Timestamp;
use crate::window::Window;

/// A window that starts.
#[derive(Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) window: Window,
    pub(crate) now: Timestamp,
    /// What leases were reported to have used in all so far.
    pub(crate) used: u32,
    pub(crate) tree: &'a Tree,
    pub(crate) policy: &'a Policy,
}

/// How far what is held back is released.
#[derive(Clone, Copy)]
pub(crate) struct Release<'a> {
    pub(crate) now: Timestamp,
    /// The holdback of each priority.
    pub(crate) shares: &'a PerPriority<Share>,
    /// Protected reservations.
    pub(crate) reserved: &'a [Fraction],
}

impl Windows {
    /// A window of one limit starts. What edge permits took of it counts.
    pub(crate) fn roll(&mut self, at: usize, start: &Start<'_>) {
        let &Start { window, now, used, tree, policy } = start;
        let limit = &mut self.limits[at];
        limit.roll(window, now, used);
        let ahead = limit.ahead.take();
        let division = Division { tree, budget: limit.budget, floors: &policy.floors };
        let ahead = ahead.as_ref().map(|ahead| &ahead.holdback);
        limit.holdback = limit.holdback.following(&division, |_, _| false, ahead);
    }

    /// Nothing is booked of the next window of a limit: windows in between were skipped.
    pub(crate) fn skip(&mut self, at: usize) {
        self.limits[at].next_blocks = Default::default();
    }

    /// A window of the primary limit starts.
    pub(crate) fn begin_window(&mut self, now: Timestamp, has_waiting: bool) {
        self.count += 1;
        // What waited when it opened is decided on as at that instant, however late the call.
        let is_opening = self.primary().opens() == now || has_waiting;
        self.first_round = is_opening.then_some(Timestamp::MAX);
    }

    /// The primary window is entered in its middle: there is no first round.
    pub(crate) fn skip_first_round(&mut self) {
        self.first_round = None;
    }

    /// Carries the floors over into the primary window, where the largest waiting heads are known. Returns the largest request of
    /// the last window.
    pub(crate) fn carry_floors(&mut self, policy: &Policy, heads: &PerPriority<Permits>) -> Permits {
        let budget = self.primary().budget;
        for c in Priority::ALL {
            let granted = self.primary().holdback.granted_in(c);
            self.floors[c] = self.floors[c].following(policy.floors[c], budget, heads[c], granted);
        }
        let largest = std::mem::replace(&mut self.largest_grant, Permits::ONE);
        heads.0.iter().copied().fold(largest, Permits::max)
    }

    /// Releases what is due of the spreads.
    pub(crate) fn release_spreads(&mut self, now: Timestamp) {
        self.limits.iter_mut().for_each(|limit| limit.release_spread(now));
    }

    /// Whether something that is held back in a limit's window is due to be released.
    pub(crate) fn is_release_due(&self, at: usize, now: Timestamp) -> bool {
        self.limits[at].holdback.next_step.is_some_and(|step| step <= now)
    }

    /// The expected demand of a limit's next window is divided.
    pub(crate) fn set_ahead(&mut self, at: usize, ahead: Ahead) {
        self.limits[at].ahead = Some(Box::new(ahead));
    }

    /// Recomputes what is held back in a limit's window.
    pub(crate) fn release(
        &mut self,
        at: usize,
        release: &Release<'_>,
        queued: impl Fn(NodeIx, Priority) -> u64,
    ) {
        let &Release { now, shares, reserved } = release;
        let limit = &mut self.limits[at];
        let sizes = &HoldbackSizes::new(shares, limit.budget);
        let remaining = limit.remaining(now);
        limit.holdback.decay(&Decay { now, remaining, sizes, reserved }, queued);
    }
}
