//! Intervals on a circle: where in a window's length something may lie, wrapping round at its end.

use crate::time::{Span, Timestamp};

/// The offsets `start ..= start + spread` modulo the length of the circle; `start` and `spread` are below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Arc {
    pub(super) start: Span,
    pub(super) spread: Span,
}

impl Arc {
    /// The offsets from `start` on, `spread` more, on a circle of `length` (above 0).
    pub(super) fn new(length: Span, start: Span, spread: Span) -> Self {
        let whole = length.less(Span::from_ns(1));
        Self { start: Span::from_ns(start.as_ns() % length.as_ns()), spread: spread.min(whole) }
    }

    /// Where `earliest ..= latest` lies on a circle of `length`.
    pub(super) fn between(length: Span, earliest: Timestamp, latest: Timestamp) -> Self {
        Self::new(length, Span::from_ns(earliest.as_ns()), latest.since(earliest))
    }

    /// What both have in common; nothing where they are apart. Where they meet at both ends, the narrower one, which
    /// holds both pieces.
    pub(super) fn common(self, other: Self, length: Span) -> Option<Self> {
        let whole = length.less(Span::from_ns(1));
        if self.spread == whole || other.spread == whole {
            return Some(self.narrower(other));
        }
        let into_self = distance(self.start, other.start, length);
        let into_other = distance(other.start, self.start, length);
        match (into_self <= self.spread, into_other <= other.spread) {
            (true, true) if self.start != other.start => Some(self.narrower(other)),
            (true, _) => {
                Some(Self { start: other.start, spread: self.spread.less(into_self).min(other.spread) })
            }
            (false, true) => {
                Some(Self { start: self.start, spread: other.spread.less(into_other).min(self.spread) })
            }
            (false, false) => None,
        }
    }

    fn narrower(self, other: Self) -> Self {
        if other.spread < self.spread { other } else { self }
    }
}

/// How far it is from `from` forward to `to`; both are below `length`.
fn distance(from: Span, to: Span, length: Span) -> Span {
    if to >= from { to.less(from) } else { length.less(from.less(to)) }
}
