//! The contest for permits: the tree of teams, their tags, and the requests that wait.
//!
//! Its verbs keep these in step with each other, and with what the windows hold back for each team: a node waits in its group
//! while a head below it fits under its cap, and a hold shrinks as requests arrive. Knows neither leases nor
//! how much may be granted.

pub(crate) mod backlog;
mod names;
mod rebuild;
mod removed;
mod roll;
mod serve;
mod state;
mod waits;

pub(crate) use self::rebuild::Rebuild;
pub(crate) use self::serve::{Grant, Returned, ServedRequest};
pub(crate) use self::state::Contest;
