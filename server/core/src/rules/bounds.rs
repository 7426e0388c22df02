//! What bounds a grant: in the windows in force, and at an edge in those that follow.

use crate::permits::Permits;
use crate::windows::side::Edges;

/// What bounds a grant in the windows in force, caps aside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// So much and no more: what a reservation may take.
    Flat(Permits),
    /// What is left after what is held back.
    Held {
        /// Held back for the floors of lower priorities.
        lower: u64,
        /// Held back for protected reservations.
        protected: u64,
        /// What the floor left to the priority allows in the first round of a window.
        floor: Permits,
    },
}

/// What bounds a grant in the windows that follow those at their edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextBound {
    /// The limits whose windows are at their edge.
    pub(crate) edges: Edges,
    /// Whether policy lets the priority take whatever is left.
    pub(crate) takes_all: bool,
    /// Held back for the floors of lower priorities.
    pub(crate) lower: u64,
    /// Held back for protected reservations.
    pub(crate) protected: u64,
    /// What the floor of the priority allows when the window opens.
    pub(crate) floor: Permits,
    /// What another process was granted of the primary limit's next window; `None` if that is open, and caps hold in it alone.
    pub(crate) elsewhere: Option<Permits>,
}

/// What bounds a grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within {
    pub(crate) this: Bound,
    /// Nothing where every window is open.
    pub(crate) next: Option<NextBound>,
}
