//! When the other consumer sends its requests.

use super::provider::{LIMIT, WINDOW};
use crate::random::Random;

/// How long a burst lasts.
const BURST: u64 = 200_000;

/// How the other consumer sends requests.
#[derive(Clone, Copy, Debug)]
pub enum Traffic {
    /// At equal intervals.
    Even {
        /// The part of a window's budget that it requests, in percent.
        percent: u32,
        /// How late a request may be, in percent of the interval.
        jitter: u32,
    },
    /// A Poisson process.
    Poisson {
        /// The part of a window's budget that it requests on average, in percent.
        percent: u32,
    },
    /// All at the start of a window.
    Burst {
        /// The part of a window's budget that it requests, in percent.
        percent: u32,
    },
    /// At equal intervals for some windows, then not at all for as many.
    OnOff {
        /// The part of a window's budget that it requests while it is on, in percent.
        percent: u32,
        /// How many windows it stays on, and off.
        windows: u64,
    },
}

impl Traffic {
    /// When the next request after `now` is sent.
    pub(super) fn next(self, now: u64, start: u64, random: &mut Random) -> u64 {
        match self {
            Self::Even { percent, jitter: 0 } => now + interval(WINDOW, percent),
            Self::Even { percent, jitter } => {
                let interval = interval(WINDOW, percent);
                let delay_max = interval * u64::from(jitter) / 100;
                (now / interval + 1) * interval + random.any() % (delay_max + 1)
            }
            Self::Poisson { percent } => {
                // Steps so short that two requests in one are rare.
                let step = (interval(WINDOW, percent) / 64).max(1);
                let mut at = now + step;
                while random.from_to(1, 64) > 1 {
                    at += step;
                }
                at
            }
            Self::Burst { percent } => {
                let next = now + interval(BURST, percent);
                if next % WINDOW < BURST { next } else { next - next % WINDOW + WINDOW }
            }
            Self::OnOff { percent, windows } => {
                let (next, phase) = (now + interval(WINDOW, percent), WINDOW * windows);
                let number = (next - start) / phase;
                if number.is_multiple_of(2) { next } else { start + (number + 1) * phase }
            }
        }
    }
}

/// The interval between requests that use `percent` of the budget within `span`.
fn interval(span: u64, percent: u32) -> u64 {
    span * 100 / (LIMIT * u64::from(percent))
}
