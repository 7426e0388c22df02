//! Who asks for what, and when.

use crate::ids::{CallerId, TeamId};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::time::{Span, Timestamp};

/// Requests that wait behind every backlog, at least.
pub const BACKLOG: u32 = 1000;

/// Requests of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demand {
    /// The team that asks.
    pub team: TeamId,
    /// The caller inside the team.
    pub caller: CallerId,
    /// The priority it asks for; `None`: the team's.
    pub priority: Option<Priority>,
    /// Permits of each request.
    pub permits: Permits,
    /// The fewest permits that each accepts.
    pub min_permits: Permits,
    /// How long each waits at most; `None`: forever.
    pub max_wait: Option<Span>,
    /// A name for events and expectations.
    pub tag: Option<String>,
    /// When they come.
    pub shape: Arrivals,
}

/// When requests come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arrivals {
    /// From then on at least [`BACKLOG`] more always wait.
    Backlog {
        /// The first instant.
        from: Timestamp,
    },
    /// So many at once.
    Once {
        /// How many.
        count: u32,
        /// When.
        at: Timestamp,
    },
    /// So many, 1 ms before the start of each listed window.
    PerWindow {
        /// How many.
        count: u32,
        /// The windows; `None`: all of them.
        windows: Option<Vec<u32>>,
    },
    /// So many workers, each of which asks again some time after a grant.
    Workers {
        /// How many.
        count: u32,
        /// The time from a grant to the next request.
        think: Span,
        /// When all of them ask first.
        from: Timestamp,
    },
}
