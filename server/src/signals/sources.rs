//! Checks where a value is read from: a header, and perhaps a parameter of an item in it.

use super::bounds::{NAME_BYTES_MAX, PRECISION_MAX, TEXT_BYTES_MAX};
use crate::convert::time::optional_span;
use crate::error::FieldError;
use apportion_core::time::Span;
use apportion_proto::v1;

/// Checks the name of a header.
pub(super) fn header(path: &str, name: &str) -> Result<(), FieldError> {
    if name.is_empty() {
        return Err(FieldError::missing(path));
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.len() > NAME_BYTES_MAX || !name.chars().all(is_token) {
        let problem = format!("must be the name of a header, of at most {NAME_BYTES_MAX} characters");
        return Err(FieldError::new(path, problem));
    }
    Ok(())
}

/// Checks a text that something is compared with, of printable ASCII.
pub(super) fn printable(path: &str, text: &str) -> Result<(), FieldError> {
    let is_printable = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if text.is_empty() || text.len() > TEXT_BYTES_MAX || !is_printable || text.trim() != text {
        let problem = format!(
            "must be 1 to {TEXT_BYTES_MAX} printable ASCII characters, without a space at either end"
        );
        return Err(FieldError::new(path, problem));
    }
    Ok(())
}

/// Checks a place in a structured list.
fn place(parameter: &str, item: &str) -> Result<(), FieldError> {
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '*');
    let starts = parameter.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
    if !parameter.is_empty()
        && (parameter.len() > NAME_BYTES_MAX || !starts || !parameter.chars().all(allowed))
    {
        let problem = format!(
            "must be at most {NAME_BYTES_MAX} lowercase letters, digits, `_`, `-`, `.` and `*`, starting with a letter or `*`"
        );
        return Err(FieldError::new("parameter", problem));
    }
    match (parameter, item) {
        (_, "") => Ok(()),
        ("", _) => Err(FieldError::new("item", "must not be set without `parameter`")),
        _ => printable("item", item),
    }
}

/// Checks the place of a count.
pub(super) fn count(source: &v1::CountSource) -> Result<(), FieldError> {
    header("header", &source.header)?;
    place(&source.parameter, &source.item)?;
    known::<v1::CountForm>("form", source.form, "COUNT_FORM_")
}

/// Checks the place of a time. Only that of a reset has a precision.
pub(super) fn time(source: &v1::TimeSource, is_reset: bool) -> Result<(), FieldError> {
    header("header", &source.header)?;
    place(&source.parameter, &source.item)?;
    if source.form == i32::from(v1::TimeForm::Unspecified) {
        return Err(FieldError::missing("form"));
    }
    known::<v1::TimeForm>("form", source.form, "TIME_FORM_")?;
    if source.precision.is_some() && !is_reset {
        return Err(FieldError::new("precision", "is allowed for a reset only"));
    }
    optional_span("precision", source.precision.as_ref(), Span::ZERO, PRECISION_MAX).map(|_| ())
}

/// Checks the number of an enumerated value. A newer client may send one that this server does not know.
pub(super) fn known<E: TryFrom<i32>>(path: &str, number: i32, prefix: &str) -> Result<(), FieldError> {
    let unknown = |_| FieldError::new(path, format!("{number} is no value of {prefix}*"));
    E::try_from(number).map(|_| ()).map_err(unknown)
}
