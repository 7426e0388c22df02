//! What random scenarios may contain, and how large one of them is.

/// What a random scenario may have. Everything is an upper bound or a permission.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Teams, at least 1.
    pub teams: u32,
    /// How deep they are nested, from 1 to 4.
    pub depth: u32,
    /// The heaviest weight.
    pub weight: u32,
    /// The budget of a window, from 5.
    pub budget: u32,
    /// Windows, from 2, or from 1 if this is 1.
    pub windows: u32,
    /// The largest request.
    pub lease: u32,
    /// No request exceeds an eighth of the budget.
    pub small: bool,
    /// Priorities below CRITICAL, holdback and floors.
    pub priorities: bool,
    /// Reservations, protected or not.
    pub reservations: bool,
    /// Caps.
    pub caps: bool,
    /// Bursts, requests per window and workers; else every leaf has an endless backlog from the start.
    pub mixed: bool,
    /// Requests with a deadline.
    pub deadlines: bool,
    /// Edge permits for some priorities or for all, start margins, and starts that are known to a second.
    pub edges: bool,
    /// Returns, withdrawals, responses of the provider, changes of teams and of the budget.
    pub events: bool,
}

impl Shape {
    /// Everything there is.
    pub const ALL: Self = Self {
        teams: 6,
        depth: 4,
        weight: 9,
        budget: 200,
        windows: 6,
        lease: 20,
        small: false,
        priorities: true,
        reservations: true,
        caps: true,
        mixed: true,
        deadlines: true,
        edges: true,
        events: true,
    };

    /// Endless backlogs of single permits in one priority: what water-filling divides.
    pub const BACKLOGS: Self = Self {
        lease: 1,
        priorities: false,
        reservations: false,
        caps: false,
        mixed: false,
        deadlines: false,
        edges: false,
        events: false,
        ..Self::ALL
    };
}

/// How large one scenario is, within its shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// The permits of a window.
    pub(super) budget: u32,
    /// The largest request.
    pub(super) lease: u32,
    pub(super) windows: u32,
    /// Whether permits may be granted at edges, so that instants there are of interest.
    pub(super) has_edges: bool,
}
