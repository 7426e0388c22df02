//! The intervals in which usage is kept: minutes for an hour, hours for eight days, days for ninety.

use apportion_core::time::{Span, Timestamp};

/// How long the intervals of one kind are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Resolution {
    /// Minutes, for an hour.
    Minutes,
    /// Hours, for eight days.
    Hours,
    /// Days of UTC, for ninety.
    Days,
}

impl Resolution {
    /// The finest first.
    pub(crate) const ALL: [Self; 3] = [Self::Minutes, Self::Hours, Self::Days];

    /// The length of an interval.
    pub(crate) const fn length(self) -> Span {
        match self {
            Self::Minutes => Span::from_secs(60),
            Self::Hours => Span::from_secs(3_600),
            Self::Days => Span::from_secs(86_400),
        }
    }

    /// How many past intervals are kept, beside the one that goes on.
    pub(crate) const fn kept(self) -> u64 {
        match self {
            Self::Minutes => 60,
            Self::Hours => 8 * 24,
            Self::Days => 90,
        }
    }

    /// The number of the interval that holds an instant.
    pub(crate) const fn number(self, at: Timestamp) -> u64 {
        at.as_ns() / self.length().as_ns()
    }

    /// When an interval starts.
    pub(crate) const fn start(self, number: u64) -> Timestamp {
        Timestamp::from_ns(number.saturating_mul(self.length().as_ns()))
    }

    /// The key of an interval of a workspace. Keys repeat, so that no more are kept than may be and none has to be deleted.
    pub(super) fn key(self, workspace: &str, number: u64) -> String {
        let place = number % (self.kept() + 1);
        format!("{}{place:03}", self.prefix(workspace))
    }

    /// What the keys of a workspace's intervals of this kind start with.
    pub(super) fn prefix(self, workspace: &str) -> String {
        let kind = match self {
            Self::Minutes => "minute",
            Self::Hours => "hour",
            Self::Days => "day",
        };
        format!("{}{kind}/", prefix(workspace))
    }
}

/// What the keys of a workspace's intervals start with.
pub(super) fn prefix(workspace: &str) -> String {
    format!("usage/{workspace}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_once_its_interval_is_not_kept_any_more() {
        let key = |number| Resolution::Hours.key("w", number);
        assert_eq!(key(0), "usage/w/hour/000");
        assert_eq!(key(192), "usage/w/hour/192");
        assert_eq!(key(193), key(0));
        let keys: std::collections::BTreeSet<_> = (1_000..1_193).map(key).collect();
        assert_eq!(keys.len(), 193);
    }

    #[test]
    fn an_interval_holds_the_instants_from_its_start_to_the_next() {
        let start = Resolution::Days.start(3);
        assert_eq!(Resolution::Days.number(start), 3);
        assert_eq!(Resolution::Days.number(start - Span::from_ns(1)), 2);
    }
}
