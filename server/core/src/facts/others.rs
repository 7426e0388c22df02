//! Use of the budget by others: what the provider counted and nobody here was granted.
//!
//! In the current window the largest lower bound counts, whoever saw it. For later windows only as much counts as two
//! different leases saw, so one caller's reports lower nothing but the current window.

use crate::permits::Permits;
use crate::request::LeaseId;
use std::collections::VecDeque;

/// For how many windows use by others is remembered at most, whatever policy says.
pub const OTHERS_MEMORY_MAX: u32 = 64;

#[derive(Clone, Debug)]
pub(super) struct Others {
    memory: u32,
    current: Permits,
    /// The most that one lease saw in the current window, and which.
    most: Option<(LeaseId, Permits)>,
    /// The most that another lease saw, too.
    agreed: Permits,
    /// What two leases saw per window, and how many windows ago that was; the latest window that ended is 0 ago.
    past: VecDeque<(u32, Permits)>,
}

impl Others {
    pub(super) fn new(memory: u32, learnt: Permits) -> Self {
        let memory = memory.min(OTHERS_MEMORY_MAX);
        let past = if memory == 0 || learnt.is_zero() { None } else { Some((0, learnt)) };
        let past = past.into_iter().collect();
        Self { memory, current: Permits::ZERO, most: None, agreed: Permits::ZERO, past }
    }

    /// What is kept from a new window: the largest of the remembered windows, each of them less by an equal part of
    /// it with every window since, rounded up.
    pub(super) fn kept(&self) -> Permits {
        self.past.iter().map(|&(ago, used)| self.decayed(ago, used)).max().unwrap_or_default()
    }

    /// What a process that starts now must remember: what is kept, or what the current window showed if that is more.
    pub(super) fn learnt(&self) -> Permits {
        if self.memory == 0 { Permits::ZERO } else { self.kept().max(self.agreed) }
    }

    /// A response, under a lease if that is known, shows that others used `used` of the current window. Returns the
    /// new lower bound if it rose.
    pub(super) fn observe(&mut self, lease: Option<LeaseId>, used: Permits) -> Option<Permits> {
        if let Some(lease) = lease {
            self.witness(lease, used);
        }
        let rose = used > self.current;
        self.current = self.current.max(used);
        rose.then_some(used)
    }

    fn witness(&mut self, lease: LeaseId, used: Permits) {
        match self.most {
            Some((who, most)) if who == lease => self.most = Some((who, most.max(used))),
            Some((_, most)) => {
                self.agreed = self.agreed.max(most.min(used));
                if used > most {
                    self.most = Some((lease, used));
                }
            }
            None => self.most = Some((lease, used)),
        }
    }

    /// A new window started, so many windows after the last one.
    pub(super) fn roll(&mut self, windows: u32) {
        let used = self.agreed;
        (self.current, self.most, self.agreed) = (Permits::ZERO, None, Permits::ZERO);
        for (ago, _) in &mut self.past {
            *ago = ago.saturating_add(windows);
        }
        if !used.is_zero() {
            self.past.push_back((windows.saturating_sub(1), used));
        }
        let memory = self.memory;
        self.past.retain(|&(ago, _)| ago < memory);
    }

    fn decayed(&self, ago: u32, used: Permits) -> Permits {
        let left = u64::from(self.memory.saturating_sub(ago));
        Permits::clamped((u64::from(used) * left).div_ceil(u64::from(self.memory.max(1))))
    }
}
