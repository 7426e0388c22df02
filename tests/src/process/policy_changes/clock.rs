//! The clock by which leases and windows are compared.

use std::time::{Duration, Instant, SystemTime};

/// A clock that does not jump, in nanoseconds since the Unix epoch, as windows are counted.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    start: Instant,
    start_ns: u64,
}

impl SteadyClock {
    /// A clock that shows the present time of day, and runs steadily from now on.
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        Self { start: Instant::now(), start_ns: nanoseconds(since) }
    }

    /// An instant by this clock.
    pub fn at(self, instant: Instant) -> u64 {
        self.start_ns + nanoseconds(instant.duration_since(self.start))
    }
}

/// A span in nanoseconds.
pub(super) fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).expect("far below 500 years")
}
