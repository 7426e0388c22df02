//! Checks of single fields. Each error names the field, what it holds and what is allowed.

use crate::error::FieldError;
use apportion_core::ids::{CallerId, LimitId, NameError, NodeId, RequestId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use std::fmt::Display;

/// A number of permits from `least` to `most`.
pub(crate) fn permits(path: &str, n: u32, least: Permits, most: Permits) -> Result<Permits, FieldError> {
    Permits::new(n)
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| out_of_range(path, n, &format!("between {least} and {most}")))
}

/// The error of a value that is not `allowed`, such as `between 1 and 8`.
pub(crate) fn out_of_range(path: &str, value: impl Display, allowed: &str) -> FieldError {
    FieldError::new(path, format!("must be {allowed}, got {value}"))
}

/// Text of at most `longest` bytes.
pub(crate) fn text<'a>(path: &str, text: &'a str, longest: usize) -> Result<&'a str, FieldError> {
    if text.len() > longest {
        let length = text.len();
        return Err(FieldError::new(path, format!("must be at most {longest} bytes, got {length}")));
    }
    Ok(text)
}

/// A list of `least` to `most` elements.
pub(crate) fn count(path: &str, count: usize, least: usize, most: usize) -> Result<(), FieldError> {
    if (least..=most).contains(&count) {
        return Ok(());
    }
    Err(FieldError::new(path, format!("must have between {least} and {most} elements, got {count}")))
}

/// A name whose kind checks it.
pub(crate) trait Name: Sized {
    /// Checks and takes a bare name.
    fn check(name: &str) -> Result<Self, NameError>;

    /// The bare name.
    fn text(&self) -> &str;
}

macro_rules! names {
    ($($name:ident),*) => {
        $(impl Name for $name {
            fn check(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }

            fn text(&self) -> &str {
                self.as_str()
            }
        })*
    };
}

names!(WorkspaceId, LimitId, TeamId, CallerId, RequestId, NodeId);

/// The name that a field holds.
pub(crate) fn name<N: Name>(path: &str, name: &str) -> Result<N, FieldError> {
    N::check(name).map_err(|error| match error {
        NameError::Empty => FieldError::missing(path),
        NameError::TooLong { .. } | NameError::Character { .. } => FieldError::new(path, error.to_string()),
    })
}

/// The name that a field holds, or `default` where the field is absent.
pub(crate) fn name_or<N: Name>(path: &str, held: &str, default: &str) -> Result<N, FieldError> {
    name(path, if held.is_empty() { default } else { held })
}

/// The name that a field holds, or none where it is absent.
pub(crate) fn optional_name<N: Name>(path: &str, held: &str) -> Result<Option<N>, FieldError> {
    if held.is_empty() { Ok(None) } else { name(path, held).map(Some) }
}
