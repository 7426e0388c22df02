//! Parsers for the values of arguments.

use apportion_proto::v1;

/// An id. Lists show full names, so people may paste one of these instead.
pub(crate) fn id(text: &str) -> Result<String, String> {
    match text.rsplit_once('/') {
        Some((_, last)) => Err(format!("expected an id, such as {last:?}, not a full name")),
        None => Ok(text.into()),
    }
}

/// A duration.
pub(crate) fn span(text: &str) -> Result<prost_types::Duration, String> {
    text.parse().map_err(|_| "expected a duration in seconds, such as 86400s".into())
}

/// How long ago, such as `30m`, `24h` or `7d`.
pub(crate) fn ago(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "expected a time such as 90s, 30m, 24h or 7d".to_owned();
    let at = text.len().saturating_sub(1);
    let (number, unit) = text.split_at_checked(at).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let ago = number.checked_mul(seconds).filter(|&ago| 0 < ago && ago <= 366 * 86_400);
    ago.map(std::time::Duration::from_secs).ok_or_else(|| "must be from 1s to 366d".into())
}

/// A timestamp.
pub(crate) fn instant(text: &str) -> Result<prost_types::Timestamp, String> {
    text.parse().map_err(|_| "expected an RFC 3339 timestamp, such as 2026-01-31T12:00:00Z".into())
}

/// The priority of a name such as `critical`.
pub(crate) fn priority(name: &str) -> Result<v1::Priority, String> {
    let full = format!("PRIORITY_{}", name.to_uppercase());
    let known = v1::Priority::from_str_name(&full).filter(|priority| *priority != v1::Priority::Unspecified);
    known.ok_or_else(|| "expected critical, default or sheddable".into())
}

/// The update mask of fields that are set or cleared.
pub(crate) fn mask(
    paths: impl Iterator<Item = String>,
    cleared: &[String],
) -> Result<prost_types::FieldMask, String> {
    let paths: Vec<_> = paths.chain(cleared.iter().cloned()).collect();
    if paths.is_empty() {
        return Err("nothing to update: set or clear a field".into());
    }
    Ok(prost_types::FieldMask { paths })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ago_is_a_number_with_a_unit_and_at_most_a_year() {
        let seconds = |text| ago(text).map(|ago| ago.as_secs());
        assert_eq!(["90s", "30m", "24h", "366d"].map(seconds), [90, 1_800, 86_400, 366 * 86_400].map(Ok));
        for text in ["", "h", "24", "-1h", "1.5h", "2w", "1 h", "7д"] {
            assert_eq!(ago(text), Err("expected a time such as 90s, 30m, 24h or 7d".into()), "{text:?}");
        }
        for text in ["0s", "367d", "18446744073709551615d"] {
            assert_eq!(ago(text), Err("must be from 1s to 366d".into()), "{text:?}");
        }
    }
}
