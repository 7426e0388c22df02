//! One booking: the next marks of a workspace out of the last ones and everything that is pending.
//!
//! Owns the order of the parts (what the provider said first, then blocks, then clean-up). Knows no store and no state.

use super::block::{BookRefusal, WantedBlock};
use super::mark::{MarkKey, Raise};
use super::marks::Marks;
use super::pending::Pending;
use super::version::Version;
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::{Boundary, Window};

/// A booking that is ready to be written, or has nothing to write.
pub(super) struct Booking {
    pub(super) new: Marks,
    pub(super) raises: Vec<Raise>,
    pub(super) refused: Vec<(MarkKey, BookRefusal)>,
    /// The policy that the raises rest on.
    pub(super) policy: Option<Version>,
}

impl Pending {
    /// The next marks: `base` with all of this, cleaned up as of `now`. Every window may be booked a `runway` ahead.
    pub(super) fn book(&self, base: &Marks, nonce: u128, now: Timestamp, runway: Span) -> Booking {
        let mut new = Marks { nonce, ..base.clone() };
        if self.is_deleted {
            new.forget(now);
        }
        for (limit, learned) in &self.learned {
            new.learn(limit.clone(), *learned);
        }
        if let Some(statement) = &self.statement {
            new.state(statement);
        }
        for (key, (window, budget)) in &self.exhausted {
            new.spend(key, window, *budget);
        }
        let newest = self.wanted.values().map(|want| want.policy_version).max();
        let (mut raises, mut refused) = (Vec::new(), Vec::new());
        for (key, want) in &self.wanted {
            let learned = new.learned.get(&key.limit).and_then(|learned| learned.permits);
            let budget = want.budget.min(learned.unwrap_or(Permits::MAX));
            let raise = if want.is_too_early(now, runway) {
                Err(BookRefusal::TooEarly) // it waited while a clock that was ahead was set right
            } else if newest != Some(want.policy_version) {
                Err(BookRefusal::PolicyChanged)
            } else if new.is_closed(key, &as_early(want, runway)) {
                Err(BookRefusal::Closed)
            } else {
                new.raise(key, &want.window, want.permits, budget, want.series)
            };
            match raise {
                Ok(raise) => raises.push(raise),
                Err(why) => refused.push((key.clone(), why)),
            }
        }
        // One raise a window, which ends at its mark: the next one starts there, so blocks are disjoint.
        debug_assert!(
            raises.iter().all(|raise: &Raise| raise.from <= raise.to && new.hi(&raise.key) == raise.to)
        );
        let policy = newest.filter(|_| !raises.is_empty());
        new.clean_up(now);
        Booking { new, raises, refused, policy }
    }
}

/// The window, with an earlier start where it may be booked longer ahead than the runway: it may have been booked that early in the
/// history that a restored store forgot.
fn as_early(want: &WantedBlock, runway: Span) -> Window {
    let start = want.window.start;
    let earliest = start.earliest - want.ahead.less(runway);
    Window { start: Boundary { earliest, ..start }, ..want.window }
}
