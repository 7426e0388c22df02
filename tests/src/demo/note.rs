//! What a service says of each of its requests, as a line of JSON.

use serde::{Deserialize, Serialize};

/// One request, when it got through or the half was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When it was wanted, in nanoseconds since the epoch.
    pub wanted_ns: u64,
    /// How long it waited for the attempt that got through to be sent, or how long it waited in vain, in microseconds.
    pub waited_us: u64,
    /// How often it was refused by the provider.
    pub throttled: u32,
    /// Whether it got through.
    pub through: bool,
}
