//! What an observation is compared with, and what follows from it.

use super::absurd::Absurd;
use crate::permits::Permits;
use crate::time::Timestamp;
use crate::window::Window;

/// What is known here of the current window when an observation arrives.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The current window.
    pub current: &'a Window,
    /// Its budget in force.
    pub budget: Permits,
    /// What was granted of it here so far, external use not included.
    pub granted: Permits,
    /// The window of the observation's lease, if known.
    pub lease_window: Option<Window>,
    /// When its request was sent, where the observation's lease is known here. If not, the observation can lower the current window
    /// and changes nothing for later ones.
    pub sent: Option<Sent>,
}

/// What is known of the instant at which a request was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// It was sent after this: its lease was granted then.
    pub after: Timestamp,
    /// What had been reported as used of the current window by then, and was thus counted before it.
    pub spent: Permits,
}

/// What follows from an observation, to be acted on at once.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Finding {
    /// The lower bound of the external use of the current window, if it rose.
    pub external_use: Option<Permits>,
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
    /// Its reset was too vague to move the phase, since no window would ever open, and was ignored.
    pub vague: bool,
    /// The observation was absurd and ignored as a whole.
    pub ignored: Option<Absurd>,
}
