//! Permits that a client grants locally while the server is unreachable, if it is configured to.

use crate::clock::BootInstant;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A local share of the budget, in windows that start with the first permit.
///
/// The windows are not aligned with the provider's. After each one nothing is granted for as long again, so that no window of the
/// provider contains two shares.
#[derive(Debug)]
pub(crate) struct LocalShare {
    permits: u32,
    window: Duration,
    current: Mutex<LocalWindow>,
}

#[derive(Debug)]
struct LocalWindow {
    start: BootInstant,
    granted: u32,
}

impl LocalShare {
    pub(crate) fn new(permits: u32, window: Duration) -> Self {
        let current = LocalWindow { start: BootInstant::from_nanos(0), granted: 0 };
        Self { permits, window, current: Mutex::new(current) }
    }

    /// Grants up to `max` permits, at least `min`, and returns how many and when they end.
    ///
    /// # Errors
    /// The earliest start of the next window, if too few are left.
    pub(crate) fn take(
        &self,
        now: BootInstant,
        max: u32,
        min: u32,
    ) -> Result<(u32, BootInstant), BootInstant> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.granted == 0 || now >= current.start.after(self.window).after(self.window) {
            *current = LocalWindow { start: now, granted: 0 };
        }
        let end = current.start.after(self.window);
        let left = if now < end { self.permits.saturating_sub(current.granted) } else { 0 };
        let granted = max.min(left);
        if granted < min || granted == 0 {
            return Err(end.after(self.window));
        }
        current.granted += granted;
        Ok((granted, end))
    }

    /// Whether `min` permits can ever be granted.
    pub(crate) fn can_hold(&self, min: u32) -> bool {
        min <= self.permits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_its_share_and_the_next_starts_a_window_after_its_end() {
        let share = LocalShare::new(3, Duration::from_nanos(100));
        let at = BootInstant::from_nanos;
        assert_eq!(share.take(at(1_000), 2, 2), Ok((2, at(1_100))));
        assert_eq!(share.take(at(1_050), 2, 1), Ok((1, at(1_100))));
        assert_eq!(share.take(at(1_099), 1, 1), Err(at(1_200)));
        assert_eq!(share.take(at(1_100), 1, 1), Err(at(1_200)));
        assert_eq!(share.take(at(1_199), 1, 1), Err(at(1_200)));
        assert_eq!(share.take(at(1_200), 3, 3), Ok((3, at(1_300))));
        assert_eq!(share.take(at(1_250), 0, 0), Err(at(1_400)));
        assert!(!share.can_hold(4));
    }
}
