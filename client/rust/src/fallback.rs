//! Permits that a client grants by itself while the service is out of reach, if it was told to.

use crate::clock::BootInstant;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A share of its own, in windows that begin with the first permit. They do not lie where the provider's do: after each, nothing is
/// granted for as long again, so that no window of the provider sees two of them.
#[derive(Debug)]
pub(crate) struct OwnShare {
    permits: u32,
    window: Duration,
    state: Mutex<(BootInstant, u32)>,
}

impl OwnShare {
    pub(crate) fn new(permits: u32, window: Duration) -> Self {
        Self { permits, window, state: Mutex::new((BootInstant::from_nanos(0), 0)) }
    }

    /// Up to `wanted` permits, not fewer than `least`, and when they end. None is left: when the next window may begin.
    pub(crate) fn take(
        &self,
        now: BootInstant,
        wanted: u32,
        least: u32,
    ) -> Result<(u32, BootInstant), BootInstant> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.1 == 0 || now >= state.0.after(self.window).after(self.window) {
            *state = (now, 0);
        }
        let end = state.0.after(self.window);
        let left = if now < end { self.permits.saturating_sub(state.1) } else { 0 };
        let granted = wanted.min(left);
        if granted < least || granted == 0 {
            return Err(end.after(self.window));
        }
        state.1 += granted;
        Ok((granted, end))
    }

    /// Whether so many can ever be granted.
    pub(crate) fn can_hold(&self, least: u32) -> bool {
        least <= self.permits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_its_share_and_the_next_begins_a_window_later() {
        let share = OwnShare::new(3, Duration::from_nanos(100));
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
