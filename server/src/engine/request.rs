//! A request for a lease, as the engine takes it.

use apportion_core::ids::{CallerId, RequestId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Policy};
use apportion_core::priority::Priority;
use apportion_core::request::Ask;
use apportion_core::time::{Span, Timestamp};

/// The least time that any request may wait: as long as it takes to book a block, or "now or never" would depend on what is
/// booked. What cannot be granted by then is refused on arrival all the same.
const LEAST_WAIT: Span = Span::from_ms(50);

/// A request for a lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acquire {
    /// The workspace whose budget it is for.
    pub workspace: WorkspaceId,
    /// The team it is for.
    pub team: TeamId,
    /// The service or instance that asks.
    pub caller: CallerId,
    /// Requested priority; `None` uses the team's default.
    pub priority: Option<Priority>,
    /// How many permits it wants, at least 1.
    pub permits: Permits,
    /// The fewest permits that it accepts, from 1 to `permits`.
    pub min_permits: Permits,
    /// How long it may wait; `None` allows one window of the shortest limit.
    pub max_wait: Option<Span>,
    /// The client's name for this request, by which a repeat is known.
    pub request_id: Option<RequestId>,
}

impl Acquire {
    /// The core's form of a request that came at `now`. `longest_wait` caps the wait: its caller does not wait longer.
    pub(super) fn into_ask(self, now: Timestamp, longest_wait: Option<Span>, policy: &Policy) -> Ask {
        let wait = self.max_wait.unwrap_or_else(|| shortest_limit(policy).window);
        let wait = longest_wait.map_or(wait, |longest| wait.min(longest)).max(LEAST_WAIT);
        Ask {
            team: self.team,
            caller: self.caller,
            priority: self.priority,
            permits: self.permits,
            min_permits: self.min_permits,
            deadline: now + wait,
            request_id: self.request_id,
        }
    }
}

fn shortest_limit(policy: &Policy) -> &LimitPolicy {
    &policy.limits[policy.primary_limit()]
}
