//! Random instants and spans, most of them where something can go wrong.

use apportion_core::time::{Span, Timestamp};

use super::fixed::{GUARD, WINDOW, start_of};
use super::shape::Size;
use crate::random::Random;

/// An instant of the scenario, often just before a window, sometimes at a start or a guard.
pub(super) fn instant(random: &mut Random, size: Size) -> Timestamp {
    let start = start_of(random.from_to(0, size.windows - 1));
    match random.from_to(0, 9) {
        0..=2 => start - Span::from_ms(1),
        3 => start,
        4 => (start + WINDOW) - GUARD,
        // At an edge: in a guard, or while a boundary is uncertain.
        5..=7 if size.has_edges => ((start + WINDOW) - GUARD) + span(random, 2_000),
        _ => start + span(random, 9_999),
    }
}

pub(super) fn span(random: &mut Random, most_ms: u32) -> Span {
    Span::from_ms(u64::from(random.from_to(0, most_ms)))
}
