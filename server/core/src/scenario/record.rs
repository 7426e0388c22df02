//! The event log of a scenario: what was granted, refused and returned.

use crate::ids::{CallerId, TeamId};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::Reason;
use crate::time::{Span, Timestamp};

/// One line of the event log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// A request was granted.
    Grant {
        /// When.
        at: Timestamp,
        /// To which team.
        team: TeamId,
        /// To which caller.
        caller: CallerId,
        /// At which priority it was served.
        priority: Priority,
        /// How many permits.
        permits: Permits,
        /// In which window of the primary limit, from 0.
        window: u32,
        /// Whether it is also charged to the next window.
        edge: bool,
        /// How long it waited.
        waited: Span,
        /// The tag of its demand.
        tag: Option<String>,
    },
    /// A request was refused.
    Reject {
        /// When.
        at: Timestamp,
        /// Of which team.
        team: TeamId,
        /// Of which caller.
        caller: CallerId,
        /// At which priority it would have been served.
        priority: Priority,
        /// How many permits it asked for.
        permits: Permits,
        /// Why, in the words of the format: INVALID, DEADLINE or EXPIRED.
        reason: Verdict,
        /// Why, in the words of the contract.
        detail: Reason,
        /// When to retry, from now.
        retry_after: Option<Span>,
        /// The tag of its demand.
        tag: Option<String>,
    },
    /// Permits came back.
    Return {
        /// When.
        at: Timestamp,
        /// From which team.
        team: TeamId,
        /// How many were offered.
        permits: Permits,
        /// How many were taken.
        accepted: Permits,
        /// In which window.
        window: u32,
    },
}

/// The kinds of refusal that an event log knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Can never be granted.
    Invalid,
    /// Certain on arrival to miss its deadline.
    Deadline,
    /// Waited its time out.
    Expired,
}
