//! Numbers of a scenario file, read exactly from their text, without binary fractions.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Number;
use std::str::FromStr;

/// Billionths in one.
const ONE: i128 = 1_000_000_000;
/// The largest magnitude of a decimal, in whole units.
const LARGEST: i128 = 10_000_000_000;

/// A number with at most nine decimals, in billionths: seconds in nanoseconds, or a share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Decimal(pub(crate) i128);

/// A whole number from 0 to 4 294 967 295.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Whole(pub(crate) u32);

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (digits, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        let mantissa = all.trim_end_matches('0');
        let significant = mantissa.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self(0));
        }
        let too_large = || format!("{text} is too large, at most {LARGEST}");
        let exponent: i64 = exponent.parse().map_err(|_| too_large())?;
        let dropped = i64::try_from(all.len() - mantissa.len()).map_err(|_| too_large())?;
        let decimals = i64::try_from(fraction.len()).map_err(|_| too_large())?;
        // The value is significant · 10^power billionths.
        let power = exponent.saturating_add(dropped - decimals).saturating_add(9);
        if power < 0 {
            return Err(format!("{text} has more than 9 decimals"));
        }
        let shift = u32::try_from(power).map_err(|_| too_large())?;
        significant
            .parse::<i128>()
            .ok()
            .zip(10_i128.checked_pow(shift))
            .and_then(|(digits, tens)| digits.checked_mul(tens))
            .filter(|&billionths| billionths <= LARGEST * ONE)
            .map(|billionths| Self(sign * billionths))
            .ok_or_else(too_large)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Number::deserialize(from)?.to_string().parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(from)?;
        let rule = || D::Error::custom(format!("{number} is no whole number from 0 to {}", u32::MAX));
        let Decimal(billionths) = number.to_string().parse().map_err(|_| rule())?;
        if billionths % ONE != 0 {
            return Err(rule());
        }
        u32::try_from(billionths / ONE).map(Self).map_err(|_| rule())
    }
}

/// Writes nanoseconds as decimal seconds, exactly, with at least one decimal.
pub(crate) fn seconds(ns: i128) -> String {
    let magnitude = ns.unsigned_abs();
    let fraction = format!("{:09}", magnitude % 1_000_000_000);
    let fraction = fraction.trim_end_matches('0');
    let sign = if ns < 0 { "-" } else { "" };
    format!("{sign}{}.{}", magnitude / 1_000_000_000, if fraction.is_empty() { "0" } else { fraction })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn billionths(text: &str) -> Result<i128, String> {
        text.parse::<Decimal>().map(|decimal| decimal.0)
    }

    #[test]
    fn a_decimal_is_read_to_the_last_digit() {
        assert_eq!(billionths("0.1"), Ok(100_000_000));
        assert_eq!(billionths("-0.001"), Ok(-1_000_000));
        assert_eq!(billionths("1e-9"), Ok(1));
        assert_eq!(billionths("1.5E+2"), Ok(150_000_000_000));
        assert_eq!(billionths("0.1000000000000"), Ok(100_000_000));
        assert_eq!(billionths("0e999999999999999999999"), Ok(0));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(billionths("0.0000000001").unwrap_err().contains("9 decimals"));
        for huge in ["1e11", "1e400", "99999999999999999999999999999999999999999", "1e99999999999999999999"] {
            assert!(billionths(huge).unwrap_err().contains("too large"), "{huge}");
        }
    }

    #[test]
    fn seconds_are_written_as_they_are_read() {
        for text in ["0.0", "-0.001", "9.5", "12.345678901"] {
            assert_eq!(seconds(billionths(text).unwrap()), text);
        }
    }
}
