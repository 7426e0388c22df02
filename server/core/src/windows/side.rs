//! Which of two windows: the one in force, or the one that follows.

use crate::policy::LIMITS_MAX;

/// Which window of the primary limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// The one in force.
    This,
    /// The one that follows.
    Next,
}

/// The limits whose windows are at their edge: a grant is charged to their next windows too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Edges([bool; LIMITS_MAX]);

impl Edges {
    /// No window is at its edge.
    pub(crate) const NONE: Self = Self([false; LIMITS_MAX]);

    /// Those of the limits for which this holds, in the order of policy.
    #[inline]
    pub(crate) fn of(are_at_edge: impl Iterator<Item = bool>) -> Self {
        let mut edges = Self::NONE;
        for (edge, is_at_edge) in edges.0.iter_mut().zip(are_at_edge) {
            *edge = is_at_edge;
        }
        edges
    }

    /// Whether the window of the limit in this place is at its edge.
    #[inline]
    pub(crate) fn has(&self, limit: usize) -> bool {
        self.0[limit]
    }

    /// One for each limit.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = bool> {
        self.0.iter().copied()
    }
}
