//! Intervals on a circle: where in a window's length something may lie, wrapping round at its end.

use crate::time::{Span, Timestamp};

/// The offsets `start ..= start + width` modulo the length of the circle; `start` and `width` are below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Arc {
    pub(super) start: Span,
    pub(super) width: Span,
}

impl Arc {
    /// The offsets from `start` on, `width` more, on a circle of `length` (above 0).
    pub(super) fn new(length: Span, start: Span, width: Span) -> Self {
        let whole = length.less(Span::from_ns(1));
        Self { start: Span::from_ns(start.as_ns() % length.as_ns()), width: width.min(whole) }
    }

    /// Where `earliest ..= latest` lies on a circle of `length`.
    pub(super) fn between(length: Span, earliest: Timestamp, latest: Timestamp) -> Self {
        Self::new(length, Span::from_ns(earliest.as_ns()), latest.since(earliest))
    }

    /// What both have in common; nothing where they are apart. Where they meet at both ends, the narrower one, which
    /// holds both pieces.
    pub(super) fn common(self, other: Self, length: Span) -> Option<Self> {
        let whole = length.less(Span::from_ns(1));
        if self.width == whole || other.width == whole {
            return Some(self.narrower(other));
        }
        let into_self = distance(self.start, other.start, length);
        let into_other = distance(other.start, self.start, length);
        match (into_self <= self.width, into_other <= other.width) {
            (true, true) if self.start != other.start => Some(self.narrower(other)),
            (true, _) => {
                Some(Self { start: other.start, width: self.width.less(into_self).min(other.width) })
            }
            (false, true) => {
                Some(Self { start: self.start, width: other.width.less(into_other).min(self.width) })
            }
            (false, false) => None,
        }
    }

    fn narrower(self, other: Self) -> Self {
        if other.width < self.width { other } else { self }
    }
}

/// How far it is from `from` forward to `to`; both are below `length`.
fn distance(from: Span, to: Span, length: Span) -> Span {
    if to >= from { to.less(from) } else { length.less(from.less(to)) }
}
