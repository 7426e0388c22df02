//! Observations that cannot be true: they are ignored as a whole.

use crate::observation::{Observation, Reset};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use thiserror::Error;

/// The longest cooldown that is believed, where windows are not longer.
pub const COOLDOWN_MAX: Span = Span::from_secs(86_400);

/// Why an observation cannot be true.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Absurd {
    /// A budget of nothing.
    #[error("the provider's limit is 0")]
    ZeroLimit,
    /// A window that ends more than two windows from now, or ended so long ago.
    #[error("the window ends {away:?} from now, windows are {window:?} long")]
    ResetFarAway {
        /// How far it is from now, in either direction.
        away: Span,
        /// The length of a window.
        window: Span,
    },
    /// More left than the limit.
    #[error("{remaining} are left of a limit of {limit}")]
    RemainingAboveLimit {
        /// What is left, as read.
        remaining: Permits,
        /// The limit, as read.
        limit: Permits,
    },
    /// A retry time further away than any cooldown.
    #[error("the provider asks to wait for {away:?}, more than the {most:?} that are accepted")]
    RetryFarAway {
        /// How far it is from now.
        away: Span,
        /// How far it may be.
        most: Span,
    },
}

/// Why the observation cannot be true, for windows of length `window`.
pub(super) fn absurd(now: Timestamp, observation: &Observation, window: Span) -> Option<Absurd> {
    if observation.permits.is_some_and(Permits::is_zero) {
        return Some(Absurd::ZeroLimit);
    }
    if let (Some(remaining), Some(limit)) = (observation.remaining, observation.permits)
        && remaining > limit
    {
        return Some(Absurd::RemainingAboveLimit { remaining, limit });
    }
    if let Some(Reset { at, within }) = observation.reset {
        let away = at.since(now).max(now.since(at));
        if away.less(within) > window + window {
            return Some(Absurd::ResetFarAway { away, window });
        }
    }
    let (away, most) = (observation.retry_at?.since(now), COOLDOWN_MAX.max(window));
    (away > most).then_some(Absurd::RetryFarAway { away, most })
}
