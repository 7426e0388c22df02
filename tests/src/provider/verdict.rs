//! The decision on one request, and what its response says.

use super::report::Cause;

/// The decision on one request, and what its response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The number of the request, from 1 on.
    pub number: u64,
    /// Why it is throttled, if it is.
    pub throttled: Option<Cause>,
    /// The limit of the window.
    pub limit: u64,
    /// What is left of it.
    pub remaining: u64,
    /// The end of the window, in nanoseconds since the Unix epoch.
    pub reset_ns: u64,
    /// How long a lock-out still lasts, in nanoseconds.
    pub locked_ns: Option<u64>,
    /// The last change that the response can show.
    pub(super) revision: u64,
    /// Requests of the other consumer, since the start, that the response can show.
    pub(super) external: u64,
}
