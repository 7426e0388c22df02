//! Permits: the right to send requests, counted in whole numbers.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// A number of permits, at most [`Permits::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Permits(u32);

impl Permits {
    /// No permit.
    pub const ZERO: Self = Self(0);
    /// One permit.
    pub const ONE: Self = Self(1);
    /// The largest number: 2^28 permits. Tags, shares and products of the core are sized for it.
    pub const MAX: Self = Self(1 << 28);

    /// `n` permits, or nothing where `n` is above [`Permits::MAX`].
    pub const fn new(n: u32) -> Option<Self> {
        if n <= Self::MAX.0 { Some(Self(n)) } else { None }
    }

    /// `n` permits, or the largest number where `n` is above it.
    pub const fn clamped(n: u64) -> Self {
        if n > Self::MAX.0 as u64 { Self::MAX } else { Self(n as u32) }
    }

    /// The bare number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether this is no permit at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// This number less `other`, or zero where `other` is larger.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<Permits> for u64 {
    fn from(n: Permits) -> Self {
        Self::from(n.0)
    }
}

impl From<Permits> for i64 {
    fn from(n: Permits) -> Self {
        Self::from(n.0)
    }
}

/// Saturates at [`Permits::MAX`]: a count of permits never exceeds a budget, and a budget never exceeds that.
impl Add for Permits {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).min(Self::MAX.0))
    }
}

impl AddAssign for Permits {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Panics in a debug build where `other` is larger: use [`Permits::less`] where that may be.
impl Sub for Permits {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        debug_assert!(self.0 >= other.0, "{self} less {other} permits");
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Permits {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Permits {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
