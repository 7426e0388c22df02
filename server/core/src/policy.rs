//! What a workspace is configured to do: its limits, its teams, and the shares of its priorities.
//!
//! A [`Policy`] is checked once, by [`Policy::check`]; behind it every value is valid. It knows nothing of what was granted.

mod check;
mod promised;
mod settings;

pub use self::check::PolicyError;
pub use self::promised::Promised;
pub(crate) use self::settings::BILLION;
pub use self::settings::{
    DEPTH_MAX, LIMITS_MAX, LimitPolicy, Margins, Policy, Share, TEAMS_MAX, TeamPolicy, WEIGHT_MAX, WINDOW_MAX,
};
