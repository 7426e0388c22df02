//! Use of the budget by others: what the provider counted and nobody here was granted.
//!
//! In the current window the largest lower bound counts, whoever saw it. For later windows only as much counts as two
//! different leases saw, so one caller's reports lower nothing but the current window.

use crate::permits::Permits;
use crate::request::LeaseId;

/// For how many windows use by others is remembered at most, whatever policy says.
pub const OTHERS_MEMORY_MAX: u32 = 64;

#[derive(Clone, Debug)]
pub(super) struct Others {
    memory: u32,
    /// Nothing while nobody else is known of: the usual case costs no more than this.
    seen: Option<Box<Seen>>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    current: Permits,
    /// The most that one lease saw in the current window, and which.
    most: Option<(LeaseId, Permits)>,
    /// The most that another lease saw, too.
    agreed: Permits,
    /// What two leases saw per window, and how many windows ago that was; the latest window that ended is 0 ago.
    past: Vec<(u32, Permits)>,
}

impl Others {
    pub(super) fn new(memory: u32, learnt: Permits) -> Self {
        let memory = memory.min(OTHERS_MEMORY_MAX);
        let is_known = memory > 0 && !learnt.is_zero();
        let seen = is_known.then(|| Box::new(Seen { past: vec![(0, learnt)], ..Seen::default() }));
        Self { memory, seen }
    }

    /// What is kept from a new window: the largest of the remembered windows, each of them less by an equal part of
    /// it with every window since, rounded up.
    pub(super) fn kept(&self) -> Permits {
        let past = self.seen.iter().flat_map(|seen| &seen.past);
        past.map(|&(ago, used)| self.decayed(ago, used)).max().unwrap_or_default()
    }

    /// What a process that starts now must remember: what is kept, or what the current window showed if that is more.
    pub(super) fn learnt(&self) -> Permits {
        match &self.seen {
            Some(seen) if self.memory > 0 => self.kept().max(seen.agreed),
            _ => Permits::ZERO,
        }
    }

    /// A response, under a lease if that is known, shows that others used `used` of the current window. Returns the
    /// new lower bound if it rose.
    pub(super) fn observe(&mut self, lease: Option<LeaseId>, used: Permits) -> Option<Permits> {
        if used.is_zero() && self.seen.is_none() {
            return None;
        }
        let seen = self.seen.get_or_insert_default();
        if let Some(lease) = lease {
            seen.witness(lease, used);
        }
        let rose = used > seen.current;
        seen.current = seen.current.max(used);
        rose.then_some(used)
    }

    /// A new window started, so many windows after the last one.
    pub(super) fn roll(&mut self, windows: u32) {
        if let Some(seen) = &mut self.seen {
            seen.roll(windows, self.memory);
            if seen.past.is_empty() {
                self.seen = None;
            }
        }
    }

    fn decayed(&self, ago: u32, used: Permits) -> Permits {
        let left = u64::from(self.memory.saturating_sub(ago));
        Permits::clamped((u64::from(used) * left).div_ceil(u64::from(self.memory.max(1))))
    }
}

impl Seen {
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

    fn roll(&mut self, windows: u32, memory: u32) {
        let used = self.agreed;
        (self.current, self.most, self.agreed) = (Permits::ZERO, None, Permits::ZERO);
        for (ago, _) in &mut self.past {
            *ago = ago.saturating_add(windows);
        }
        if !used.is_zero() {
            self.past.push((windows.saturating_sub(1), used));
        }
        self.past.retain(|&(ago, _)| ago < memory);
    }
}
