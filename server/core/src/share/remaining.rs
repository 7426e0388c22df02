//! How much of a window's open time is still to come, and what part of an amount that is.

use crate::time::Span;

/// A number of permits, as `parts` of which `per_permit` make one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fraction {
    pub(crate) parts: u64,
    pub(crate) per_permit: u64,
}

impl Fraction {
    /// So many whole permits.
    #[inline]
    pub(crate) fn whole(permits: u64) -> Self {
        Self { parts: permits, per_permit: 1 }
    }

    /// Whole permits, rounded up.
    pub(crate) fn ceil(self) -> u64 {
        self.parts.div_ceil(self.per_permit)
    }

    /// Whether so many permits are less than this.
    pub(crate) fn exceeds(self, permits: u64) -> bool {
        permits * self.per_permit < self.parts
    }
}

/// How much of the time in which a window is open is still to come: `left` of `whole`, both until its guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remaining {
    pub(crate) left: Span,
    pub(crate) whole: Span,
}

impl Remaining {
    /// All of a window that has not opened yet.
    pub(crate) const WHOLE: Self = Self { left: Span::from_ns(1), whole: Span::from_ns(1) };

    /// This part of an amount, in whole permits, rounded up.
    #[inline]
    pub(crate) fn of(&self, amount: Fraction) -> u64 {
        let (whole, left) = (self.whole.as_ns().max(1), self.left.as_ns());
        // Whole permits nearly always fit: then the division is one instruction.
        let narrow = amount.parts.checked_mul(left).zip(whole.checked_mul(amount.per_permit));
        let part = narrow.map_or_else(
            || {
                let part = u128::from(amount.parts) * u128::from(left);
                let part = part.div_ceil(u128::from(whole) * u128::from(amount.per_permit));
                u64::try_from(part).unwrap_or(u64::MAX)
            },
            |(part, whole)| part.div_ceil(whole),
        );
        debug_assert!(self.left > self.whole || part <= amount.ceil(), "a part is at most the whole");
        part
    }

    /// How long until [`Remaining::of`], which is `part` of the amount now, gets smaller, rounded up to a whole nanosecond.
    pub(crate) fn until_less(&self, part: u64, amount: Fraction) -> Option<Span> {
        let next = part.checked_sub(1)?;
        let whole = self.whole.as_ns();
        let narrow = whole.checked_mul(amount.per_permit).and_then(|whole| whole.checked_mul(next));
        let left = narrow.map_or_else(
            || {
                let whole = u128::from(whole) * u128::from(amount.per_permit);
                u64::try_from(u128::from(next) * whole / u128::from(amount.parts)).unwrap_or(u64::MAX)
            },
            |product| product / amount.parts,
        );
        Some(self.left.less(Span::from_ns(left)))
    }
}
