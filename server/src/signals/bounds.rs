//! How much of everything signals may hold. The contract states each number.

use apportion_core::time::Span;

/// The longest encoding of all signals of a workspace, in bytes.
pub(super) const ENCODED_BYTES_MAX: usize = 8_192;
/// Most signals on limits.
pub(super) const LIMITS_MAX: usize = 16;
/// Most signals of refusals.
pub(super) const THROTTLES_MAX: usize = 16;
/// Most places of a time to retry.
pub(super) const RETRY_AFTER_MAX: usize = 4;
/// Most rules of what did not count.
pub(super) const UNCOUNTED_MAX: usize = 8;
/// Most statuses of one rule.
pub(super) const STATUSES_MAX: usize = 8;
/// Most conditions on headers, or on the body, of one rule.
pub(super) const CONDITIONS_MAX: usize = 4;
/// Most values of a header in one condition.
pub(super) const VALUES_MAX: usize = 8;
/// The longest name of a header or parameter, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 64;
/// The longest text that something is compared with, and the longest path, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 128;
/// Most steps of a path into a body.
pub(super) const PATH_STEPS_MAX: usize = 8;
/// The largest index in a path.
pub(super) const INDEX_MAX: u32 = 99;
/// The coarsest precision of a reset.
pub(super) const PRECISION_MAX: Span = Span::from_secs(3_600);
/// The longest pause after a refusal that names none.
pub(super) const PAUSE_MAX: Span = Span::from_secs(3_600);
