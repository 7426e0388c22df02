//! How what was seen is compared with what is expected.

use crate::tally::Tally;
use apportion_core::time::Timestamp;

/// The slack of every comparison with a decimal of the file.
pub(super) const SLACK: f64 = 1e-9;

pub(super) fn unless(holds: bool, saw: impl ToString) -> Option<String> {
    if holds { None } else { Some(saw.to_string()) }
}

pub(super) fn near(value: f64, want: f64, abs: f64, rel: f64) -> bool {
    let distance = (value - want).abs();
    distance <= abs + SLACK || distance <= rel * want.abs() + SLACK
}

/// Permits and nanoseconds of a run are far below 2^53, where floats are exact.
pub(super) fn float(n: i64) -> f64 {
    n as f64
}

/// Seconds from the start of window 0, the nearest binary fraction, as the file's own number is.
pub(super) fn at_seconds(tally: &Tally<'_>, at: Timestamp) -> f64 {
    tally.offset_ns(at) as f64 / 1e9
}
