//! How rough a run is.

/// How often what goes wrong does so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    /// Crashes, a store that fails, throttling, a clock that is anchored anew, workspaces that are made again, leases that nobody
    /// settles.
    Stormy,
    /// Nothing but changes of policy; every lease is settled soon, and somebody always waits.
    Calm,
}
