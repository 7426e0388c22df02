//! The callers of one team in one priority.
//!
//! Callers share equally, so plain start-time fair queueing serves them (Goyal, Vin and Cheng 1996): the least tag first, where a
//! tag is the permits that a caller had in this busy period. Heads of one size are kept together in order, so the
//! next that fits is found among the first of each size that fits.

use crate::permits::Permits;
use crate::slab::Slot;
use std::collections::BTreeSet;

/// The tag of a caller in a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Standing {
    /// The permits it had, in the lane's virtual time.
    pub(crate) tag: u64,
    /// The busy period in which the tag counts.
    pub(crate) busy_period: u32,
}

/// The head of a caller's queue as a lane sees it: the order of its fields is the order of service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Head {
    /// The caller's tag.
    pub(crate) tag: u64,
    /// When the caller was last served, as a number of grants.
    pub(crate) last_grant: u64,
    /// The caller.
    pub(crate) caller: Slot,
}

/// The waiting callers of one team and priority.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lane {
    virtual_time: u64,
    busy_period: u32,
    /// Heads by the least that each would take, sizes ascending, none empty.
    sizes: Vec<(Permits, BTreeSet<Head>)>,
    /// Permits that wait here, whole queues.
    pub(crate) queued: u64,
    /// Requests that wait here, whole queues.
    pub(crate) requests: u32,
    /// Of those, the ones that came after the window had closed.
    pub(crate) late: u32,
}

impl Lane {
    /// Whether it has no head.
    pub(crate) fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The smallest head, if there is one.
    pub(crate) fn least(&self) -> Option<Permits> {
        self.sizes.first().map(|(size, _)| *size)
    }

    /// The largest head, if there is one.
    pub(crate) fn largest(&self) -> Option<Permits> {
        self.sizes.last().map(|(size, _)| *size)
    }

    /// The next head to be served of those no larger than `fit`.
    pub(crate) fn pick(&self, fit: Permits) -> Option<(Permits, Head)> {
        let fitting = self.sizes.iter().take_while(|(size, _)| *size <= fit);
        let heads = fitting.filter_map(|(size, heads)| heads.first().map(|head| (*size, *head)));
        heads.min_by_key(|(_, head)| *head)
    }

    /// All heads, in the order in which they would be served.
    pub(crate) fn heads(&self) -> Vec<Head> {
        let mut heads: Vec<Head> = self.sizes.iter().flat_map(|(_, heads)| heads.iter().copied()).collect();
        heads.sort_unstable();
        heads
    }

    /// Empties the lane.
    pub(crate) fn clear(&mut self) {
        self.sizes.clear();
        (self.queued, self.requests, self.late) = (0, 0, 0);
        self.end_busy_period();
    }

    /// Some head that is larger than `size`.
    pub(crate) fn larger_than(&self, size: Permits) -> Option<Head> {
        let (largest, heads) = self.sizes.last()?;
        if *largest > size { heads.first().copied() } else { None }
    }

    /// Brings the standing of a caller that did not wait up to the lane: no credit for idle time.
    pub(crate) fn join(&self, standing: &mut Standing) {
        if standing.busy_period != self.busy_period || standing.tag < self.virtual_time {
            *standing = Standing { tag: self.virtual_time, busy_period: self.busy_period };
        }
    }

    /// Adds the head of a caller.
    pub(crate) fn insert(&mut self, size: Permits, head: Head) {
        match self.sizes.binary_search_by_key(&size, |(size, _)| *size) {
            Ok(at) => {
                self.sizes[at].1.insert(head);
            }
            Err(at) => self.sizes.insert(at, (size, BTreeSet::from([head]))),
        }
    }

    /// Removes a head.
    pub(crate) fn remove(&mut self, size: Permits, head: &Head) {
        if let Ok(at) = self.sizes.binary_search_by_key(&size, |(size, _)| *size) {
            self.sizes[at].1.remove(head);
            if self.sizes[at].1.is_empty() {
                self.sizes.remove(at);
            }
        }
    }

    /// Counts a request that begins to wait.
    pub(crate) fn count_in(&mut self, size: Permits, is_late: bool) {
        self.queued += u64::from(size);
        self.requests += 1;
        self.late += u32::from(is_late);
    }

    /// Counts a request that ceases to wait.
    pub(crate) fn count_out(&mut self, size: Permits, is_late: bool) {
        self.queued -= u64::from(size);
        self.requests -= 1;
        // Where the boundaries moved, it may count as late only now.
        self.late = self.late.saturating_sub(u32::from(is_late));
    }

    /// Virtual time follows the tag in service.
    pub(crate) fn serve(&mut self, tag: u64) {
        self.virtual_time = self.virtual_time.max(tag);
    }

    /// Nothing waits any more: the busy period is over, and every debt with it.
    pub(crate) fn end_busy_period(&mut self) {
        self.busy_period = self.busy_period.wrapping_add(1);
    }

    /// The furthest that service in another priority may push a tag ahead.
    pub(crate) fn debt_limit(&self, budget: Permits) -> u64 {
        self.virtual_time.saturating_add(u64::from(budget))
    }
}
