//! Exact fractions, for everything that the judges divide. They know nothing of permits.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Sub};

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ratio {
    over: i128,
    under: i128,
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self { over: 0, under: 1 };

    /// `over / under`. Panics where `under` is 0.
    pub fn new(over: i128, under: i128) -> Self {
        assert!(under != 0, "{over} over nothing");
        let common = common_divisor(over.unsigned_abs(), under.unsigned_abs());
        let sign = under.signum();
        Self { over: sign * over / common, under: sign * under / common }
    }

    /// A whole number.
    pub const fn whole(n: i128) -> Self {
        Self { over: n, under: 1 }
    }

    /// The largest whole number that is not above it.
    pub fn floor(self) -> i128 {
        self.over.div_euclid(self.under)
    }

    /// The smallest whole number that is not below it.
    pub fn ceil(self) -> i128 {
        -(-self.over).div_euclid(self.under)
    }

    /// How far it is from nothing.
    #[must_use]
    pub fn abs(self) -> Self {
        Self { over: self.over.abs(), under: self.under }
    }

    /// For a person to read, rounded down to thousandths.
    pub fn decimal(self) -> String {
        let thousandths = (self.abs() * Self::whole(1000)).floor();
        let sign = if self.over < 0 { "-" } else { "" };
        format!("{sign}{}.{:03}", thousandths / 1000, thousandths % 1000)
    }
}

fn common_divisor(a: u128, b: u128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a.max(1)).expect("fractions stay small")
}

impl Add for Ratio {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.over * other.under + other.over * self.under, self.under * other.under)
    }
}

impl Sub for Ratio {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.over * other.under - other.over * self.under, self.under * other.under)
    }
}

impl Mul for Ratio {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(self.over * other.over, self.under * other.under)
    }
}

impl Div for Ratio {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        Self::new(self.over * other.under, self.under * other.over)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.over * other.under).cmp(&(other.over * self.under))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_and_ceiling_enclose_a_negative_fraction() {
        let half = Ratio::new(3, -2);
        assert_eq!((half.floor(), half.ceil()), (-2, -1));
        assert_eq!(half.decimal(), "-1.500");
    }
}
