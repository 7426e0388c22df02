//! Tags: how far the service of a team has run ahead of its weight.
//!
//! Eligible-first virtual deadlines (EEVDF, Stoica and Abdel-Wahab 1995; WF²Q+, Bennett and Zhang 1997). A tag grows by n/w for
//! n permits at weight w. Tags are fixed-point with 32 fractional bits; a step is truncated, which is off by less than a
//! millionth of a permit at any weight allowed. Tags are rebased at every window, so they never overflow.

use crate::permits::Permits;

/// The tag of a node in one priority of its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct NodeTag {
    /// How far its service has come.
    pub(crate) value: i64,
    /// The part of the tag that was charged out of turn.
    pub(crate) debt: i64,
    /// The busy period of the group in which the tag counts.
    pub(crate) busy_period: u32,
    /// Whether the node waits in this priority.
    pub(crate) waits: bool,
}

/// One priority of a group, the children of one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    /// Where the tags of those that wait and owe nothing stand on average.
    pub(crate) virtual_time: i64,
    /// The number of the busy period: it ends, and all debts with it, when no child waits any more.
    pub(crate) busy_period: u32,
    /// How many children wait.
    pub(crate) waiting: u32,
}

/// How far `n` permits move a tag at `weight`.
pub(crate) fn step(n: Permits, weight: u32) -> i64 {
    (i64::from(n) << 32) / i64::from(weight)
}

impl Group {
    /// A group in which no child waited.
    pub(crate) const IDLE: Self = Self { virtual_time: 0, busy_period: 0, waiting: 0 };
}

impl NodeTag {
    /// A node that never waited.
    pub(crate) const IDLE: Self = Self { value: 0, debt: 0, busy_period: 0, waits: false };

    /// Whether it waits and owes nothing.
    pub(crate) fn is_regular(&self) -> bool {
        self.waits && self.debt == 0
    }

    /// Brings the tag of a node that did not wait up to the group: no credit for idle time, but a debt stays
    /// while the group is busy.
    pub(crate) fn join(&mut self, group: &Group) {
        if self.busy_period != group.busy_period || self.value <= group.virtual_time {
            *self = Self {
                value: group.virtual_time,
                debt: 0,
                busy_period: group.busy_period,
                waits: self.waits,
            };
        }
    }

    /// Moves the tag by a step; one out of turn is a debt.
    pub(crate) fn charge(&mut self, step: i64, in_turn: bool) {
        self.value += step;
        if !in_turn {
            self.debt = (self.debt + step).max(0);
        }
    }

    /// Keeps the lag in permits through a change of weight.
    pub(crate) fn reweigh(&mut self, virtual_time: i64, old: u32, new: u32) {
        let scaled = |x: i64| narrow((i128::from(x) * i128::from(old)).div_euclid(i128::from(new)));
        self.value = virtual_time + scaled(self.value - virtual_time);
        self.debt = scaled(self.debt);
    }

    /// Bounds debt and claim at the start of a window: out-of-turn debt by one fair share or the largest request,
    /// the claim of a waiting node by the two together.
    pub(crate) fn bound(&mut self, group: &Group, fair: i64, largest: i64) {
        if self.busy_period != group.busy_period {
            return;
        }
        let (room, low) = (fair.max(largest), group.virtual_time - fair - largest);
        if self.debt > 0 && self.value > group.virtual_time + room {
            let cut = self.debt.min(self.value - group.virtual_time - room);
            self.value -= cut;
            self.debt -= cut;
        } else if self.waits && self.value < low {
            self.value = low;
        }
    }
}

/// The weighted mean of tags, as a sum and a weight: compared without division where that will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Mean {
    sum: i128,
    weight: i64,
}

impl Mean {
    /// Adds a tag.
    pub(crate) fn add(&mut self, tag: i64, weight: u32) {
        self.sum += i128::from(tag) * i128::from(weight);
        self.weight += i64::from(weight);
    }

    /// Whether no tag was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.weight == 0
    }

    /// Whether a tag is at or below the mean.
    pub(crate) fn reaches(&self, tag: i64) -> bool {
        i128::from(tag) * i128::from(self.weight) <= self.sum
    }

    /// The mean, rounded down.
    pub(crate) fn floor(&self) -> i64 {
        match i64::try_from(self.sum) {
            Ok(sum) => sum.div_euclid(self.weight),
            Err(_) => narrow(self.sum.div_euclid(i128::from(self.weight))),
        }
    }
}

/// Back to the width of a tag. A mean lies between tags, and a scaled lag within the bounds of tags.
fn narrow(x: i128) -> i64 {
    i64::try_from(x).unwrap_or(if x < 0 { i64::MIN / 4 } else { i64::MAX / 4 })
}
