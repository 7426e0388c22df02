//! Names and times in words.

use apportion_proto::v1;

/// The name of a priority, in lower case.
pub(super) fn priority(number: i32) -> String {
    name(v1::Priority::try_from(number).ok().map(|it| it.as_str_name()), "PRIORITY_")
}

/// The name of a reason, as in refusals.
pub(super) fn reason(number: i32) -> String {
    name(v1::Reason::try_from(number).ok().map(|it| it.as_str_name()), "REASON_").to_uppercase()
}

/// The name of a value in lower case, without the prefix of its kind.
pub(super) fn name(name: Option<&str>, prefix: &str) -> String {
    name.map_or_else(|| "unknown".into(), |name| name.trim_start_matches(prefix).to_lowercase())
}

/// A duration in seconds.
pub(super) fn seconds(duration: Option<&prost_types::Duration>) -> f64 {
    let duration = duration.copied().unwrap_or_default();
    std::time::Duration::try_from(duration).map_or(0.0, |duration| duration.as_secs_f64())
}
