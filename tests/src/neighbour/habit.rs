//! When the other consumer calls.

use super::{LIMIT, WINDOW};
use crate::random::Random;

/// How long a burst lasts, in microseconds.
const BURST: u64 = 200_000;

/// How the other consumer calls; parts are percents of the provider's budget.
#[derive(Clone, Copy, Debug)]
pub enum Neighbour {
    /// One request after the other at equal distances, each of them late by so many percent of one at most.
    Even {
        /// What a window takes.
        part: u32,
        /// How late requests may be, in percent of their distance.
        jitter: u32,
    },
    /// As chance has it.
    Poisson {
        /// What a window takes on average.
        part: u32,
    },
    /// All in the beginning of a window.
    Burst {
        /// What a window takes.
        part: u32,
    },
    /// Evenly for some windows, then not at all for as many.
    OnOff {
        /// What a window takes while they call.
        part: u32,
        /// How many windows a turn lasts.
        windows: u64,
    },
}

impl Neighbour {
    /// When it calls after `now`; both in microseconds.
    pub(super) fn next(self, now: u64, start: u64, random: &mut Random) -> u64 {
        match self {
            Self::Even { part, jitter: 0 } => now + gap(WINDOW, part),
            Self::Even { part, jitter } => {
                let (gap, late) = (gap(WINDOW, part), gap(WINDOW, part) * u64::from(jitter) / 100);
                let place = (now / gap + 1) * gap;
                place + random.any() % (late + 1)
            }
            Self::Poisson { part } => {
                // Steps so short that two calls in one are rare.
                let step = (gap(WINDOW, part) / 64).max(1);
                let mut at = now + step;
                while random.from_to(1, 64) > 1 {
                    at += step;
                }
                at
            }
            Self::Burst { part } => {
                let next = now + gap(BURST, part);
                if next % WINDOW < BURST { next } else { next - next % WINDOW + WINDOW }
            }
            Self::OnOff { part, windows } => {
                let (next, turn) = (now + gap(WINDOW, part), WINDOW * windows);
                let number = (next - start) / turn;
                if number.is_multiple_of(2) { next } else { start + (number + 1) * turn }
            }
        }
    }
}

/// The distance between calls where so many percent of the budget fall into a span.
fn gap(span: u64, part: u32) -> u64 {
    span * 100 / (LIMIT * u64::from(part))
}
