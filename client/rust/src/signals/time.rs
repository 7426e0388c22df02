//! Instants and durations as headers write them.

use super::text::{digits, fixed, scaled};
use crate::observation::{RESET_MAX_S, SPAN_MAX_S};
use apportion_proto::v1::TimeForm;

const SECOND: u64 = 1_000_000_000;
const DAY_S: i64 = 86_400;
/// Above the longest span that can be reported.
const SPAN_END: u64 = SPAN_MAX_S.unsigned_abs() * SECOND + 1;
/// The first instant that cannot be reported.
const RESET_END: u64 = RESET_MAX_S.unsigned_abs() * SECOND;
/// The units of a duration, in the order in which they may stand.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What a header says, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Time {
    /// Since the Unix epoch.
    Instant(u64),
    /// After the response.
    Span(u64),
}

/// Reads a time. None if it is not written in this form, or out of bounds.
pub(super) fn read(text: &str, form: TimeForm) -> Option<Time> {
    match form {
        TimeForm::Unspecified => None,
        TimeForm::UnixSeconds => instant(scaled(text, SECOND)?),
        TimeForm::UnixMilliseconds => instant(milliseconds(text)?),
        TimeForm::Seconds => span(scaled(text, SECOND)?),
        TimeForm::Milliseconds => span(milliseconds(text)?),
        TimeForm::Duration => span(sum(text)?),
        TimeForm::Rfc3339 => instant(rfc_3339(text)?),
        TimeForm::HttpDate => http_date(text).map(Time::Instant),
    }
}

/// The instant of an HTTP date such as `Sun, 29 Nov 2026 12:00:00 GMT`, in nanoseconds since the Unix epoch.
pub(super) fn http_date(text: &str) -> Option<u64> {
    let (weekday, rest) = text.split_once(", ")?;
    let [day, month, year, clock, zone] = parts(rest, ' ')?;
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
    let days = days(fixed(year, 4)?, month, fixed(day, 2)?)?;
    if !WEEKDAYS.contains(&weekday) || zone != "GMT" {
        return None;
    }
    within(nanoseconds(days * DAY_S + of_day(clock)?)?, RESET_END)
}

/// The duration, unless it is longer than can be reported.
pub(super) fn span(ns: u128) -> Option<Time> {
    within(ns, SPAN_END).map(Time::Span)
}

fn instant(ns: u128) -> Option<Time> {
    within(ns, RESET_END).map(Time::Instant)
}

fn within(ns: u128, end: u64) -> Option<u64> {
    u64::try_from(ns).ok().filter(|ns| *ns < end)
}

fn nanoseconds(seconds: i64) -> Option<u128> {
    u128::try_from(seconds).ok().map(|seconds| seconds * u128::from(SECOND))
}

fn milliseconds(text: &str) -> Option<u128> {
    digits(text).map(|count| u128::from(count) * 1_000_000)
}

/// A sum such as `6m0s`.
fn sum(text: &str) -> Option<u128> {
    let (mut rest, mut units, mut total) = (text, UNITS.iter(), None);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| c.is_ascii_alphabetic())?);
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        // A unit that stands out of order was passed before.
        let (_, unit_ns) = units.find(|(name, _)| *name == &after[..end])?;
        total = Some(total.unwrap_or(0) + scaled(number, *unit_ns)?);
        rest = &after[end..];
    }
    total
}

fn rfc_3339(text: &str) -> Option<u128> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let [year, month, day] = parts(date, '-')?;
    let days = days(fixed(year, 4)?, fixed(month, 2)?, fixed(day, 2)?)?;
    let (clock, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    let (clock, decimals) = match clock.split_once('.') {
        Some((clock, decimals)) => (clock, scaled(&format!("0.{decimals}"), SECOND)?),
        None => (clock, 0),
    };
    Some(nanoseconds(days * DAY_S + of_day(clock)? - east_of_utc(zone)?)? + decimals)
}

/// The seconds of an offset such as `Z` or `+02:00`.
fn east_of_utc(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = parts(zone.get(1..)?, ':')?;
    of_day(&format!("{hours}:{minutes}:00")).map(|seconds| sign * seconds)
}

/// The seconds since midnight of `HH:MM:SS`.
fn of_day(clock: &str) -> Option<i64> {
    let [hour, minute, second] = parts(clock, ':')?;
    let (hour, minute, second) = (fixed(hour, 2)?, fixed(minute, 2)?, fixed(second, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    i64::try_from(hour * 3_600 + minute * 60 + second).ok()
}

/// The days since 1970 of a date of the Gregorian calendar that exists.
fn days(year: u64, month: u64, day: u64) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = lengths.get(..usize::try_from(month).ok()?.checked_sub(1)?)?;
    if day == 0 || day > *lengths.get(before.len())? {
        return None;
    }
    // Leap days since the year 0, which is a leap year itself.
    let leap_days = |years: u64| years.div_ceil(4) - years.div_ceil(100) + years.div_ceil(400);
    let of_years = year * 365 + leap_days(year);
    let epoch = 1970 * 365 + leap_days(1970);
    let days = of_years + before.iter().sum::<u64>() + day - 1;
    Some(i64::try_from(days).ok()? - i64::try_from(epoch).ok()?)
}

/// The parts of a text between separators, if there are exactly so many.
fn parts<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    let mut parts = text.split(separator);
    let mut found = [""; N];
    for part in &mut found {
        *part = parts.next()?;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(1969, 12, 31), Some(-1));
        assert_eq!(days(2000, 3, 1), Some(11_017));
        assert_eq!(days(2026, 11, 30), Some(20_787));
        assert_eq!(days(0, 1, 1), Some(-719_528));
        for (year, month, day) in [(2023, 2, 29), (2100, 2, 29), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0)] {
            assert_eq!(days(year, month, day), None);
        }
        assert!(days(2024, 2, 29).is_some() && days(2000, 2, 29).is_some());
    }
}
