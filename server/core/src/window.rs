//! Windows of a limit: where they start and end, when they are open for grants.
//!
//! A boundary is an interval: the provider counts a request sent before `earliest` in the old window, after `latest` in the
//! new one, and in between in either. A preset's phase is a point; a phase read from whole seconds is not.

use crate::policy::Margins;
use crate::time::{Span, Timestamp};

/// Where the boundaries of a limit's windows lie: k·length + phase, the phase somewhere in an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    length: Span,
    phase: Span,
    width: Span,
}

/// One boundary between two windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Boundary {
    /// The first instant at which it may be.
    pub earliest: Timestamp,
    /// The last instant at which it may be.
    pub latest: Timestamp,
}

/// One window of a limit. Its name is the earliest instant at which it may start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Where it starts.
    pub start: Boundary,
    /// Where it ends.
    pub end: Boundary,
}

impl Grid {
    /// Windows of `length` that start at k·length + `phase`. A length of nothing counts as the least.
    pub fn new(length: Span, phase: Span) -> Self {
        Self::within(length, phase, Span::ZERO)
    }

    /// The same with a phase somewhere in `phase ..= phase + width`, modulo the length.
    pub fn within(length: Span, phase: Span, width: Span) -> Self {
        let length = length.max(Span::from_ns(1));
        let width = width.min(length.less(Span::from_ns(1)));
        Self { length, phase: Span::from_ns(phase.as_ns() % length.as_ns()), width }
    }

    /// The length of a window.
    pub fn length(&self) -> Span {
        self.length
    }

    /// The least phase it may have.
    pub fn phase(&self) -> Span {
        self.phase
    }

    /// How much more it may be.
    pub fn width(&self) -> Span {
        self.width
    }

    /// The window whose earliest start is the last one at or before `now`.
    pub fn at(&self, now: Timestamp) -> Window {
        let into = now.since(Timestamp::ZERO + self.phase).as_ns() % self.length.as_ns();
        let start =
            if now < Timestamp::ZERO + self.phase { Timestamp::ZERO } else { now - Span::from_ns(into) };
        self.starting(start)
    }

    /// The window after `window`.
    pub fn next(&self, window: &Window) -> Window {
        self.starting(window.end.earliest)
    }

    fn starting(&self, start: Timestamp) -> Window {
        let end = start + self.length;
        Window {
            start: Boundary { earliest: start, latest: start + self.width },
            end: Boundary { earliest: end, latest: end + self.width },
        }
    }
}

impl Window {
    /// The first instant at which a permit of this window may be granted.
    pub fn opens(&self, margins: &Margins) -> Timestamp {
        self.start.latest + margins.start
    }

    /// The last instant at which a permit of this window may be granted.
    pub fn closes(&self, margins: &Margins) -> Timestamp {
        self.end.earliest - margins.guard
    }

    /// The instant after which no permit of this window may be handed on: a lease's end.
    pub fn leases_end(&self, margins: &Margins) -> Timestamp {
        self.end.earliest - margins.guard.less(margins.life)
    }
}
