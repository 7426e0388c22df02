//! Requests, as batches of equal ones.

/// `count` equal requests that arrived together.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) leaf: usize,
    pub(super) priority: usize,
    pub(super) permits: i128,
    pub(super) count: u32,
    pub(super) arrived: i128,
    pub(super) deadline: Option<i128>,
    /// The demand that it is part of.
    pub(super) demand: usize,
    /// Of an endless backlog: a granted one is replaced.
    pub(super) is_backlog: bool,
    /// A worker's: how long after its grant it asks again.
    pub(super) think: Option<i128>,
}

/// Something about a request that is due at an instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) at: i128,
    pub(super) tick: u64,
    pub(super) request: usize,
}
