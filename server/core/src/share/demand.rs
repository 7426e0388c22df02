//! What one team will probably ask for in one priority of a window, and how much of that is held back for it now.

/// One team in one priority.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct ExpectedDemand {
    /// What it will probably ask for in this window.
    pub(super) expected: u32,
    /// What it was granted in this window, less what came back.
    pub(super) granted: u32,
    /// A request that came before the guard was not granted in this window.
    pub(super) is_cut_short: bool,
    /// The last request that was granted in this window before the guard got less than it asked for.
    pub(super) has_partial: bool,
    /// Whether `expected` is its whole share, since it was cut short in the last window.
    pub(super) is_whole_share: bool,
    /// The part of `expected` that time has not let go.
    pub(super) reserved: u32,
    /// Of that, what it has not been granted yet.
    pub(super) unmet: u32,
    /// Of that, what is held back beyond what already waits.
    pub(super) hold: u32,
}

impl ExpectedDemand {
    /// Expected of a team in a new window.
    pub(super) fn expecting(permits: u64, is_whole_share: bool) -> Self {
        Self { expected: u32::try_from(permits).unwrap_or(u32::MAX), is_whole_share, ..Self::default() }
    }

    /// Whether it was granted more than its whole share. As much as that is left to tags, or what rounding cuts off would always
    /// be the same team's.
    pub(super) fn is_ahead(&self) -> bool {
        self.is_whole_share && self.expected > 0 && self.granted > self.expected
    }

    /// Recomputes what is held back for it where so many permits wait.
    pub(super) fn refresh(&mut self, queued: u64) {
        self.unmet = self.reserved.min(self.expected.saturating_sub(self.granted));
        self.hold = u32::try_from(u64::from(self.unmet).saturating_sub(queued)).unwrap_or(u32::MAX);
        debug_assert!(self.hold <= self.unmet && self.unmet <= self.expected);
    }
}
