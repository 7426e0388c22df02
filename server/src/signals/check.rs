//! Checks the signals of a workspace as an administrator defines them.

use super::bounds::{
    ENCODED_BYTES_MAX, LIMITS_MAX, PAUSE_MAX, RETRY_AFTER_MAX, THROTTLES_MAX, UNCOUNTED_MAX,
};
use super::{matches, sources};
use crate::convert::field::{count, out_of_range};
use crate::convert::time::optional_span;
use crate::error::FieldError;
use apportion_core::time::Span;
use apportion_proto::v1;
use prost::Message;

/// Checks that signals keep every bound, and are about limits of this workspace only.
///
/// # Errors
/// [`FieldError`] with the path of the field at fault below `signals`.
pub(crate) fn check(signals: &v1::Signals, limits: &[v1::Limit]) -> Result<(), FieldError> {
    let length = signals.encoded_len();
    if length > ENCODED_BYTES_MAX {
        let allowed = format!("at most {ENCODED_BYTES_MAX} bytes when encoded");
        return Err(out_of_range("signals", format!("{length} bytes"), &allowed));
    }
    all("limits", &signals.limits, LIMITS_MAX, |wire| limit(wire, limits))?;
    all("throttles", &signals.throttles, THROTTLES_MAX, |wire| throttle(wire, limits))?;
    all("retry_after", &signals.retry_after, RETRY_AFTER_MAX, |wire| sources::time(wire, false))?;
    all("uncounted", &signals.uncounted, UNCOUNTED_MAX, uncounted)
}

/// Checks each element of a list of at most `most`.
fn all<T>(
    list: &str,
    elements: &[T],
    most: usize,
    check: impl Fn(&T) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    count(&format!("signals.{list}"), elements.len(), 0, most)?;
    for (at, element) in elements.iter().enumerate() {
        check(element).map_err(|error| error.under(&format!("signals.{list}[{at}]")))?;
    }
    Ok(())
}

/// Observations name a limit. If the workspace did not have it, every report would be refused.
fn exists(id: &str, limits: &[v1::Limit]) -> Result<(), FieldError> {
    if id.is_empty() || limits.iter().any(|limit| limit.limit_id == id) {
        return Ok(());
    }
    let known: Vec<_> = limits.iter().map(|limit| &*limit.limit_id).collect();
    let shown: String = id.chars().take(64).collect();
    Err(FieldError::new(
        "limit",
        format!("{shown:?} is no limit of the workspace, there are: {}", known.join(", ")),
    ))
}

fn limit(wire: &v1::LimitSignal, limits: &[v1::Limit]) -> Result<(), FieldError> {
    exists(&wire.limit, limits)?;
    matches::headers(&wire.headers)?;
    for (field, source) in
        [("limit_permits", &wire.limit_permits), ("remaining_permits", &wire.remaining_permits)]
    {
        source.iter().try_for_each(sources::count).map_err(|error| error.under(field))?;
    }
    wire.reset
        .iter()
        .try_for_each(|reset| sources::time(reset, true))
        .map_err(|error| error.under("reset"))?;
    match (&wire.limit_permits, &wire.remaining_permits, &wire.reset) {
        (None, None, None) => Err(FieldError::new(
            "limit_permits",
            "must not be absent without `remaining_permits` and `reset`",
        )),
        _ => Ok(()),
    }
}

fn throttle(wire: &v1::ThrottleSignal, limits: &[v1::Limit]) -> Result<(), FieldError> {
    let response = wire.response.as_ref().ok_or_else(|| FieldError::missing("response"))?;
    matches::response(response).map_err(|error| error.under("response"))?;
    if response.statuses.is_empty() {
        return Err(FieldError::missing("response.statuses"));
    }
    sources::known::<v1::ThrottleEffect>("effect", wire.effect, "THROTTLE_EFFECT_")?;
    optional_span("default_retry_after", wire.default_retry_after.as_ref(), Span::ZERO, PAUSE_MAX)?;
    exists(&wire.limit, limits)
}

fn uncounted(wire: &v1::ResponseMatch) -> Result<(), FieldError> {
    if !wire.body.is_empty() {
        return Err(FieldError::new(
            "body",
            "is not allowed here: the body of an ordinary response is not read",
        ));
    }
    matches::response(wire)
}
