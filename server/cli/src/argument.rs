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
