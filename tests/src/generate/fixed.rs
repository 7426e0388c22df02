//! What every random scenario has in common: its only limit, and where its windows lie.

use apportion_core::ids::LimitId;
use apportion_core::permits::Permits;
use apportion_core::time::{Span, Timestamp};

/// The length of every window.
pub const WINDOW: Span = Span::from_secs(10);
/// No permit is granted in the last part of a window.
pub const GUARD: Span = Span::from_ms(500);
/// Window 0 starts here: a multiple of every window, with time before it.
pub const ORIGIN: Timestamp = Timestamp::from_ns(86_400_000_000_000);

/// The name of the only limit.
pub fn limit() -> LimitId {
    LimitId::new("limit").expect("a valid name")
}

/// The start of a window.
pub fn start_of(window: u32) -> Timestamp {
    ORIGIN + Span::from_ns(WINDOW.as_ns() * u64::from(window))
}

/// Just before window 0.
pub fn early() -> Timestamp {
    ORIGIN - Span::from_ms(1)
}

/// `n` permits.
pub fn permits(n: u32) -> Permits {
    Permits::new(n).expect("a small number")
}
