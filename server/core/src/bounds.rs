//! The bounds of one workspace. Beyond a bound requests are refused, so no queue grows without one.

/// The named bounds of one workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Waiting requests of one caller.
    pub waiting_per_caller: u32,
    /// Waiting requests of one team, its callers together.
    pub waiting_per_team: u32,
    /// Waiting requests of the workspace.
    pub waiting: u32,
    /// Callers of one team that are remembered at once. All teams of a workspace together have [`Bounds::TEAMS_FULL`] times as many.
    pub callers_per_team: u32,
    /// Request ids that are remembered at once: of requests that wait, and of answers, of which the oldest go for new ones.
    pub request_ids: u32,
    /// Requests, ids and callers of removed teams that are dropped at once; the rest follow a moment later.
    pub removed_at_once: u32,
}

impl Bounds {
    /// How many teams of a workspace may have as many callers as a team may have.
    pub const TEAMS_FULL: u32 = 10;

    /// 1 000 a caller, 100 000 a team, 200 000 a workspace; 10 000 callers a team; 500 000 request ids; 128 dropped at once.
    pub const DEFAULT: Self = Self {
        waiting_per_caller: 1_000,
        waiting_per_team: 100_000,
        waiting: 200_000,
        callers_per_team: 10_000,
        request_ids: 500_000,
        removed_at_once: 128,
    };

    /// Callers of a workspace that are remembered at once.
    pub(crate) fn callers(&self) -> u32 {
        self.callers_per_team.saturating_mul(Self::TEAMS_FULL)
    }

    /// No bound that a test or a simulation would reach.
    pub const NONE: Self = Self {
        waiting_per_caller: u32::MAX,
        waiting_per_team: u32::MAX,
        waiting: u32::MAX,
        callers_per_team: u32::MAX,
        request_ids: u32::MAX,
        removed_at_once: u32::MAX,
    };
}
