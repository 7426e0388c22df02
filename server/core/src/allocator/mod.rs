//! The allocator of one workspace: the only way into the core's decisions.
//!
//! Inputs only note what happened; [`Allocator::decide`] then grants and refuses. Answers and effects are data that the caller
//! pulls. Each file is a group of verbs that call the owners of the state: the requests that compete (`contest`), what the windows have
//! left (`windows`), open leases (`lease`), series of windows (`reshaping`), answers (`replies`) and effects (`effect`).

mod advance;
mod blocks;
mod change;
mod decide;
mod explain;
mod observe;
mod rehearsal;
mod settle;
mod show;
mod state;
mod submit;

pub use self::settle::{SettleError, Settled};
pub use self::show::{LimitNow, TeamNow};
pub use self::state::Allocator;
pub use self::submit::Submitted;
pub use crate::effect::Effect;
