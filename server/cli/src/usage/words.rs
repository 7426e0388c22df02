//! Names and times in words.

use apportion_proto::v1;
use std::time::Duration;

/// The name of a priority in lower case; none where a row is about all.
pub(super) fn priority(row: &v1::UsageRow) -> Option<String> {
    let priority = v1::Priority::try_from(row.priority).ok().filter(|it| *it != v1::Priority::Unspecified)?;
    Some(priority.as_str_name().trim_start_matches("PRIORITY_").to_lowercase())
}

/// The name of a reason, as in refusals.
pub(super) fn reason(number: i32) -> &'static str {
    v1::Reason::try_from(number).map_or("UNKNOWN", |it| it.as_str_name().trim_start_matches("REASON_"))
}

/// How long the requests of a row waited together, in seconds.
pub(super) fn total_wait(row: &v1::UsageRow) -> f64 {
    let wait = row.total_wait.unwrap_or_default();
    Duration::try_from(wait).map_or(0.0, |wait| wait.as_secs_f64())
}

/// A point in time as text.
pub(super) fn time(time: Option<&prost_types::Timestamp>) -> String {
    time.map(ToString::to_string).unwrap_or_default()
}
