//! How far ahead windows are booked, and how wrong a clock may be.

use crate::time::{Span, Timestamp};

/// How far ahead windows are booked, and how wrong a clock may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Horizon {
    /// A window may be booked this long before it starts, or as long as its guard.
    pub runway: Span,
    /// The clock error ε.
    pub clock_error: Span,
}

impl Horizon {
    /// One second ahead, clocks within 100 ms.
    pub const DEFAULT: Self = Self { runway: Span::from_secs(1), clock_error: Span::from_ms(100) };

    /// The first window start that nobody can have booked yet, by any clock within ε of this one.
    pub(super) fn known_from(&self, now: Timestamp) -> Timestamp {
        now + self.runway + self.clock_error + self.clock_error + Span::from_ns(1)
    }
}
