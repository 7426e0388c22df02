//! How long a question waits that the store did not answer.

use crate::time::{Span, Timestamp};

/// The first wait after a failed read.
pub(super) const RETRY_FIRST: Span = Span::from_ms(50);
/// The longest wait after a failed read.
pub(super) const RETRY_LONGEST: Span = Span::from_secs(1);

/// Whether a wait until `until` is over. A clock that stepped back does not prolong it.
pub(super) fn is_due(until: Timestamp, now: Timestamp) -> bool {
    until <= now || until.since(now) > RETRY_LONGEST
}
