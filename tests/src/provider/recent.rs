//! Requests over the last window's length, by the millisecond, so that they can be counted again under a new phase.

use std::collections::VecDeque;

/// Requests by the millisecond, over one window's length.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    counts: VecDeque<(u64, u64)>,
}

impl Recent {
    /// Counts one at an instant that is not before the last, and forgets what is older than `length_ms`.
    pub fn add(&mut self, at_ns: u64, length_ms: u64) {
        let at_ms = at_ns / 1_000_000;
        match self.counts.back_mut() {
            Some((last_ms, count)) if *last_ms == at_ms => *count += 1,
            _ => self.counts.push_back((at_ms, 1)),
        }
        while self.counts.front().is_some_and(|(first_ms, _)| first_ms + length_ms < at_ms) {
            self.counts.pop_front();
        }
    }

    /// How many were counted since a millisecond, which is included.
    pub fn since(&self, start_ms: u64) -> u64 {
        self.counts.iter().rev().take_while(|(at_ms, _)| *at_ms >= start_ms).map(|(_, count)| count).sum()
    }

    /// The milliseconds with a count of their own.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
