//! The clock of a provider, in nanoseconds since the Unix epoch.

use std::time::{SystemTime, UNIX_EPOCH};

/// Reads the time, in nanoseconds since the Unix epoch.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// The realtime clock of this machine, in nanoseconds since the Unix epoch.
pub fn realtime_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
