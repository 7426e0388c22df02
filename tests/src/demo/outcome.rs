//! What became of a request, as a service reports it: one line of JSON each.

use serde::{Deserialize, Serialize};

/// One request, once it was accepted or the round was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When it was issued, in nanoseconds since the Unix epoch.
    pub issued_ns: u64,
    /// How long it waited until its last attempt was sent, or until the end of the round, in microseconds.
    pub waited_us: u64,
    /// How often the provider throttled it.
    pub throttled: u32,
    /// Whether the provider accepted it.
    pub is_accepted: bool,
}
