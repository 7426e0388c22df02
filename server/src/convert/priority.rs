//! Priorities and what is kept for each of them.

use super::field::FieldError;
use apportion_core::priority::Priority;
use apportion_proto::v1;

/// The priority that a field holds; none where it is absent.
///
/// # Errors
/// [`FieldError`] where the number is no priority.
pub(crate) fn optional_priority(path: &str, number: i32) -> Result<Option<Priority>, FieldError> {
    match v1::Priority::try_from(number) {
        Ok(v1::Priority::Unspecified) => Ok(None),
        Ok(v1::Priority::Critical) => Ok(Some(Priority::Critical)),
        Ok(v1::Priority::Default) => Ok(Some(Priority::Default)),
        Ok(v1::Priority::Sheddable) => Ok(Some(Priority::Sheddable)),
        Err(_) => Err(FieldError::new(
            path,
            format!("{number} is no priority, allowed are CRITICAL (1), DEFAULT (2) and SHEDDABLE (3)"),
        )),
    }
}

/// A priority as it goes over the wire.
pub(crate) fn wire_priority(priority: Priority) -> v1::Priority {
    match priority {
        Priority::Critical => v1::Priority::Critical,
        Priority::Default => v1::Priority::Default,
        Priority::Sheddable => v1::Priority::Sheddable,
    }
}
