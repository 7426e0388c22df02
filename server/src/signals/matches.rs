//! Checks conditions on a response: its status, its headers, its body.

use super::bounds::{
    CONDITIONS_MAX, INDEX_MAX, NAME_BYTES_MAX, PATH_STEPS_MAX, STATUSES_MAX, TEXT_BYTES_MAX, VALUES_MAX,
};
use super::sources::{header, printable};
use crate::convert::field::{count, out_of_range};
use crate::error::FieldError;
use apportion_proto::v1;

/// Checks conditions on a response.
pub(super) fn response(wire: &v1::ResponseMatch) -> Result<(), FieldError> {
    count("statuses", wire.statuses.len(), 0, STATUSES_MAX)?;
    for (at, &status) in wire.statuses.iter().enumerate() {
        if !(100..=599).contains(&status) {
            return Err(out_of_range(&format!("statuses[{at}]"), status, "between 100 and 599"));
        }
    }
    headers(&wire.headers)?;
    count("body", wire.body.len(), 0, CONDITIONS_MAX)?;
    for (at, wire) in wire.body.iter().enumerate() {
        body(wire).map_err(|error| error.under(&format!("body[{at}]")))?;
    }
    match wire.statuses.is_empty() && wire.headers.is_empty() && wire.body.is_empty() {
        true => Err(FieldError::new("statuses", "must not be absent without another condition")),
        false => Ok(()),
    }
}

/// Checks conditions on headers.
pub(super) fn headers(wire: &[v1::HeaderMatch]) -> Result<(), FieldError> {
    count("headers", wire.len(), 0, CONDITIONS_MAX)?;
    for (at, condition) in wire.iter().enumerate() {
        let under = |error: FieldError| error.under(&format!("headers[{at}]"));
        header("header", &condition.header).map_err(under)?;
        count("values", condition.values.len(), 0, VALUES_MAX).map_err(under)?;
        for (value_at, value) in condition.values.iter().enumerate() {
            printable(&format!("values[{value_at}]"), value).map_err(under)?;
        }
    }
    Ok(())
}

fn body(wire: &v1::BodyMatch) -> Result<(), FieldError> {
    path(&wire.path)?;
    let (field, text) = match &wire.text {
        None => return Err(FieldError::new("equals", "must not be absent without `contains`")),
        Some(v1::body_match::Text::Equals(text)) => ("equals", text),
        Some(v1::body_match::Text::Contains(text)) => ("contains", text),
    };
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err(out_of_range(
            field,
            format!("{} bytes", text.len()),
            &format!("1 to {TEXT_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// Checks a path such as `errors[0].code`.
fn path(path: &str) -> Result<(), FieldError> {
    if path.is_empty() {
        return Err(FieldError::missing("path"));
    }
    let malformed = || {
        FieldError::new(
            "path",
            format!(
                "must be names of letters, digits, `_` and `-`, and indices from 0 to {INDEX_MAX}, such as errors[0].code: \
                 at most {PATH_STEPS_MAX} steps and {TEXT_BYTES_MAX} bytes"
            ),
        )
    };
    let is_short = path.len() <= TEXT_BYTES_MAX;
    steps(path).filter(|&steps| is_short && steps <= PATH_STEPS_MAX).map(|_| ()).ok_or_else(malformed)
}

/// How many steps a path has; none where it is malformed. A name stands at the start or after a dot, an index anywhere else.
fn steps(path: &str) -> Option<usize> {
    let (mut rest, mut steps) = (path, 0);
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let (digits, after) = index.split_once(']')?;
            let is_index = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
            let is_plain = digits == "0" || !digits.starts_with('0');
            (is_index && is_plain && digits.parse::<u32>().is_ok_and(|n| n <= INDEX_MAX)).then_some(())?;
            rest = after;
        } else {
            let name = if steps == 0 { rest } else { rest.strip_prefix('.')? };
            let is_named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let end = name.find(|c| !is_named(c)).unwrap_or(name.len());
            (1..=NAME_BYTES_MAX).contains(&end).then_some(())?;
            rest = &name[end..];
        }
        steps += 1;
    }
    Some(steps)
}
