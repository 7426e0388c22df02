//! How many calls were passed on to other nodes, by what came of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// What came of a call that was passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ForwardResult {
    /// The owner carried it out.
    Done,
    /// The owner refused it.
    Refused,
    /// The receiver was not the owner.
    NotOwner,
    /// The stream was lost, or the owner changed before there was an answer.
    Lost,
    /// It was not sent: too many were in flight.
    Full,
}

/// The counts.
#[derive(Default, Debug)]
pub(crate) struct ForwardCounts([AtomicU64; ForwardResult::ALL.len()]);

impl ForwardResult {
    /// All results, with their names in metrics.
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (Self::Done, "done"),
        (Self::Refused, "refused"),
        (Self::NotOwner, "not_owner"),
        (Self::Lost, "lost"),
        (Self::Full, "full"),
    ];
}

impl ForwardCounts {
    pub(crate) fn count(&self, result: ForwardResult) -> u64 {
        self.0[result as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, result: ForwardResult) {
        self.0[result as usize].fetch_add(1, Ordering::Relaxed);
    }
}
