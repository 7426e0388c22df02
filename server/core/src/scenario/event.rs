//! What else happens while a scenario is played.

use crate::ids::{LimitId, TeamId};
use crate::permits::Permits;
use crate::policy::TeamPolicy;
use crate::priority::Priority;
use crate::time::Timestamp;

/// Something that happens at an instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Change,
}

/// What happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A team gets new settings. Absent: stays as it is.
    SetTeam {
        /// The team.
        id: TeamId,
        /// Its new weight.
        weight: Option<u32>,
        /// Its new reservation.
        reservation: Option<Permits>,
        /// Its new cap, or none.
        cap: Option<Option<Permits>>,
        /// Its new priority of a request that names none.
        priority: Option<Priority>,
        /// Its new highest allowed priority.
        highest_priority: Option<Priority>,
    },
    /// A team is added after all others.
    AddTeam(TeamPolicy),
    /// A team without parts is removed; what waits there is refused.
    RemoveTeam {
        /// The team.
        id: TeamId,
    },
    /// A limit's budget changes by policy, from its next window on.
    SetBudget {
        /// Which limit.
        limit: LimitId,
        /// Its new budget.
        permits: Permits,
    },
    /// Unused permits of a team's oldest open leases come back.
    Return {
        /// The team.
        team: TeamId,
        /// How many permits.
        permits: Permits,
    },
    /// A response of the provider: so much of the window is left, everything granted until then already counted.
    Upstream {
        /// Which limit.
        limit: LimitId,
        /// What is left.
        remaining: Option<Permits>,
        /// The budget, where the response names it.
        permits: Option<Permits>,
        /// The response was a refusal: the window is exhausted.
        throttled: bool,
    },
    /// Every waiting request with this tag is withdrawn.
    Cancel {
        /// The tag.
        tag: String,
    },
}
