//! Instants and durations as headers write them, in nanoseconds.

use crate::text::{decimal, digits, fixed};
use apportion_proto::v1::TimeForm;

const SECOND: u128 = 1_000_000_000;
/// The start of 2262, in seconds.
const END: u128 = 9_214_646_400;
/// 366 days, in seconds.
const LONGEST: u128 = 366 * 86_400;

/// What a header said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Time {
    /// Nanoseconds since 1970.
    Instant(u128),
    /// Nanoseconds from now.
    Span(u128),
}

/// Reads a time in this form.
pub(crate) fn time(text: &str, form: TimeForm) -> Option<Time> {
    match form {
        TimeForm::Unspecified => None,
        TimeForm::UnixSeconds => instant(decimal(text)?),
        TimeForm::UnixMilliseconds => instant(u128::from(digits(text)?) * 1_000_000),
        TimeForm::Seconds => span(decimal(text)?),
        TimeForm::Milliseconds => span(u128::from(digits(text)?) * 1_000_000),
        TimeForm::Duration => span(with_units(text)?),
        TimeForm::Rfc3339 => instant(rfc_3339(text)?),
        TimeForm::HttpDate => instant(http_date(text)?),
    }
}

fn instant(ns: u128) -> Option<Time> {
    (ns < END * SECOND).then_some(Time::Instant(ns))
}

fn span(ns: u128) -> Option<Time> {
    (ns <= LONGEST * SECOND).then_some(Time::Span(ns))
}

/// A sum such as `6m0s`.
fn with_units(text: &str) -> Option<u128> {
    let mut units = [
        ("d", 86_400 * SECOND),
        ("h", 3_600 * SECOND),
        ("m", 60 * SECOND),
        ("s", SECOND),
        ("ms", 1_000_000),
        ("us", 1_000),
    ]
    .into_iter();
    let (mut rest, mut sum) = (text, None);
    while !rest.is_empty() {
        let number = &rest[..rest.find(|c: char| c != '.' && !c.is_ascii_digit())?];
        let after = &rest[number.len()..];
        let unit = &after[..after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len())];
        let (_, ns) = units.find(|(name, _)| *name == unit)?;
        sum = Some(sum.unwrap_or_default() + decimal(number)? * ns / SECOND);
        rest = &after[unit.len()..];
    }
    sum
}

fn rfc_3339(text: &str) -> Option<u128> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let [year, month, day] = <[&str; 3]>::try_from(date.split('-').collect::<Vec<_>>()).ok()?;
    let days = days(fixed(year, 4, 0, 9999)?, fixed(month, 2, 1, 12)?, fixed(day, 2, 1, 31)?)?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone_at);
    let fraction = match fraction {
        "" => 0,
        some => decimal(&format!("0{some}")).filter(|_| some.starts_with('.'))?,
    };
    let seconds = days * 86_400 + of_day(clock)? - offset(zone)?;
    Some(u128::try_from(seconds).ok()? * SECOND + fraction)
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i128> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let seconds = i128::from(fixed(hours, 2, 0, 23)? * 3_600 + fixed(minutes, 2, 0, 59)? * 60);
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

fn http_date(text: &str) -> Option<u128> {
    let parts: Vec<_> = text.split(' ').collect();
    let [weekday, day, month, year, clock, zone] = <[&str; 6]>::try_from(parts).ok()?;
    let weekdays = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? as u64 + 1;
    (weekdays.contains(&weekday) && zone == "GMT").then_some(())?;
    let days = days(fixed(year, 4, 0, 9999)?, month, fixed(day, 2, 1, 31)?)?;
    Some(u128::try_from(days * 86_400 + of_day(clock)?).ok()? * SECOND)
}

/// Seconds since midnight of `HH:MM:SS`.
fn of_day(clock: &str) -> Option<i128> {
    let [hour, minute, second] = <[&str; 3]>::try_from(clock.split(':').collect::<Vec<_>>()).ok()?;
    let (hour, minute, second) = (fixed(hour, 2, 0, 23)?, fixed(minute, 2, 0, 59)?, fixed(second, 2, 0, 59)?);
    Some(i128::from(hour * 3_600 + minute * 60 + second))
}

/// Days since 1970 of a date that exists. Counted year by year and month by month, which is slow and plain.
pub(crate) fn days(year: u64, month: u64, day: u64) -> Option<i128> {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let of_month = |month: u64| match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    };
    (day <= of_month(month)).then_some(())?;
    let of_year = |year: u64| if is_leap(year) { 366_i128 } else { 365 };
    let years: i128 = match year >= 1970 {
        true => (1970..year).map(of_year).sum(),
        false => -(year..1970).map(of_year).sum::<i128>(),
    };
    Some(years + (1..month).map(|month| i128::from(of_month(month))).sum::<i128>() + i128::from(day) - 1)
}
