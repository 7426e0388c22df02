//! Header values, and the numbers in them.

use http::{HeaderMap, HeaderValue};
use std::borrow::Cow;

/// The longest value of a header that is read, in bytes.
const VALUE_MAX: usize = 1_024;
/// The most digits of a whole number.
const DIGITS_MAX: usize = 15;
/// The most decimals that are looked at: a day resolved to far below a nanosecond.
const DECIMALS_MAX: usize = 18;

/// The value of a header: its lines, joined. None if it is absent or too long, or has bytes other than tabs and printable ASCII.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut lines = headers.get_all(name).iter();
    let mut value = Cow::Borrowed(line(lines.next()?)?);
    for next in lines {
        let joined = value.to_mut();
        joined.push_str(", ");
        joined.push_str(line(next)?);
    }
    (value.len() <= VALUE_MAX).then_some(value)
}

fn line(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(|text| text.trim_matches([' ', '\t']))
}

/// The number of 1 to 15 digits.
pub(super) fn digits(text: &str) -> Option<u64> {
    if text.len() > DIGITS_MAX || !is_digits(text) {
        return None;
    }
    text.parse().ok()
}

/// So many units of `unit_ns`, perhaps with decimals, in nanoseconds. What is finer is cut off.
pub(super) fn scaled(text: &str, unit_ns: u64) -> Option<u128> {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let whole = u128::from(digits(whole)?) * u128::from(unit_ns);
    let Some(decimals) = decimals else { return Some(whole) };
    if !is_digits(decimals) {
        return None;
    }
    let kept = &decimals[..decimals.len().min(DECIMALS_MAX)];
    let scale = 10_u128.pow(u32::try_from(kept.len()).ok()?);
    Some(whole + kept.parse::<u128>().ok()? * u128::from(unit_ns) / scale)
}

/// The number of exactly so many digits.
pub(super) fn fixed(text: &str, width: usize) -> Option<u64> {
    digits(text).filter(|_| text.len() == width)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
