//! What a part of a window says about the whole of it, where external use is even, and how far that may be off.

use crate::permits::Permits;
use crate::time::Span;

/// How many times what was seen of its beginning is expected of a whole window, at most.
const EXTRAPOLATION_MOST: u64 = 16;

/// The part of a window that is still to come: `left` of `length`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    pub(super) left: Span,
    pub(super) length: Span,
}

impl Rest {
    /// The part that is over.
    pub(super) fn over(self) -> Span {
        self.length.less(self.left)
    }

    /// What of `whole` falls into it, rounded up.
    pub(super) fn of(self, whole: Permits) -> Permits {
        scaled(whole, self.left.min(self.length), self.length)
    }
}

/// What a whole window takes where `used` fell into `seen` of its `length`, rounded up, and the root of that, because it may be
/// more. At most [`EXTRAPOLATION_MOST`] times as much, and nothing is added beyond seven eighths of the budget: a request
/// must be able to look again.
pub(super) fn extrapolate(used: Permits, seen: Span, length: Span, budget: Permits) -> Permits {
    let seen = seen.max(Span::from_ns(length.as_ns() / EXTRAPOLATION_MOST));
    let whole = scaled(used, length, seen);
    used.max((whole + root(whole)).min(budget.less(eighth(budget))))
}

/// Of what may come this is kept, however much came before: one more than its root.
pub(super) fn unsure(rest: Permits) -> Permits {
    if rest.is_zero() { rest } else { root(rest) + Permits::ONE }
}

/// What is kept of a window at first and released evenly: the root of what is expected, but an eighth of the budget at least, so
/// that there are responses all along the window.
pub(super) fn margin(expected: Permits, budget: Permits) -> Permits {
    root(expected).max(eighth(budget))
}

/// How far a count of about `n` may be off: its root, rounded up.
fn root(n: Permits) -> Permits {
    let root = n.get().isqrt();
    Permits::clamped(u64::from(root) + u64::from(root * root < n.get()))
}

/// Rounded up.
fn eighth(budget: Permits) -> Permits {
    Permits::clamped(u64::from(budget).div_ceil(8))
}

/// `n` times `by`/`of`, rounded up.
fn scaled(n: Permits, by: Span, of: Span) -> Permits {
    let part = (u128::from(n.get()) * u128::from(by.as_ns())).div_ceil(u128::from(of.as_ns().max(1)));
    Permits::clamped(u64::try_from(part).unwrap_or(u64::MAX))
}
