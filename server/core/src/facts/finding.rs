//! What an observation is held against, and what comes of it.

use super::phase::PhaseInterval;
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::policy::LimitPolicy;
use crate::time::{Span, Timestamp};
use crate::window::Window;
use thiserror::Error;

/// What the provider taught about a limit and a restart must not forget.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Learnt {
    /// The budget of a window, where it is not what policy says.
    pub permits: Option<Permits>,
    /// Where windows start, where resets contradicted policy.
    pub phase: Option<PhaseInterval>,
    /// Until when nothing may be sent.
    pub cooldown_until: Option<Timestamp>,
    /// Use by others to be expected of a new window.
    pub others: Permits,
    /// Of which limit this is known; nothing: of whichever it is taken for.
    pub basis: Option<Basis>,
}

/// The limit of policy that something was learnt of: it is not known of one that was made later, or has another shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Basis {
    /// The budget of a window.
    pub permits: Permits,
    /// The length of a window.
    pub window: Span,
    /// Where windows start.
    pub phase: Span,
    /// When the workspace was made.
    pub created_at: Timestamp,
}

impl Basis {
    /// A limit of a workspace that was made at `created_at`.
    pub(super) fn of(policy: &LimitPolicy, created_at: Timestamp) -> Self {
        Self { permits: policy.permits, window: policy.window, phase: policy.phase, created_at }
    }
}

impl Learnt {
    /// What of it is known of a limit: all, where that is the one it was learnt of. A limit of another budget still has its windows
    /// in the same place; of any other one only a cooldown is known.
    pub(super) fn of(&self, limit: Basis) -> Self {
        let Some(basis) = self.basis.filter(|_| !mutant::active(Mutant::LearntOfAnotherLimit)) else {
            return *self;
        };
        if basis == limit {
            *self
        } else if (Basis { permits: limit.permits, ..basis }) == limit {
            Self { permits: None, ..*self }
        } else {
            self.of_no_limit()
        }
    }

    /// What of it holds whatever becomes of the limit.
    pub(crate) fn of_no_limit(&self) -> Self {
        Self { cooldown_until: self.cooldown_until, basis: Some(Basis::default()), ..Self::default() }
    }
}

/// What is known here of the current window when an observation arrives.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The window that is current now.
    pub current: &'a Window,
    /// Its budget in force.
    pub budget: Permits,
    /// What was granted of it here so far, use by others not included.
    pub granted: Permits,
    /// The window of the observation's lease, if known.
    pub lease_window: Option<Window>,
    /// When its request was sent, where the observation's lease is known here. If not, it can lower the current window
    /// and teaches nothing for later ones.
    pub sent: Option<Sent>,
}

/// What is known of the moment at which a request was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// It was sent after this: its lease was granted then.
    pub after: Timestamp,
    /// What had been reported as used of the current window by then, and was thus counted before it.
    pub spent: Permits,
}

/// What came of an observation, to be acted on at once.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Finding {
    /// The lower bound of the use by others in the current window, if it rose.
    pub others: Option<Permits>,
    /// The budget of the current window, if it fell.
    pub budget: Option<Permits>,
    /// Nothing more may be granted of the current window.
    pub exhausted: bool,
    /// Nothing may be sent before then, if that is later than what was known.
    pub stop_until: Option<Timestamp>,
    /// Windows lie elsewhere than before.
    pub grid_changed: bool,
    /// What must survive a restart has changed: write it.
    pub durable: bool,
    /// What its reset told of the phase was too vague and ignored: no window would ever open.
    pub vague: bool,
    /// The observation was absurd and ignored as a whole.
    pub ignored: Option<Absurd>,
}

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
    /// More left than there was.
    #[error("{remaining} are left of a limit of {limit}")]
    RemainingAboveLimit {
        /// What is left, as read.
        remaining: Permits,
        /// The limit, as read.
        limit: Permits,
    },
    /// A time to retry at that is further away than any cooldown.
    #[error("the provider asks to wait for {away:?}, at most {most:?} are believed")]
    RetryFarAway {
        /// How far it is from now.
        away: Span,
        /// How far it may be.
        most: Span,
    },
}
