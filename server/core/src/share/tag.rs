//! Tags: how far the service of a team has run ahead of its weight.
//!
//! Eligible-first virtual deadlines (EEVDF, Stoica and Abdel-Wahab 1995; WF²Q+, Bennett and Zhang 1997). A tag grows by n/w for
//! n permits at weight w. Tags are fixed-point with 32 fractional bits; a step is truncated, which is off by less than a
//! millionth of a permit at any weight allowed. Tags are rebased at every window, so they never overflow.

use crate::permits::Permits;

/// The account of a node in one priority of its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Account {
    /// How far its service has come.
    pub(crate) tag: i64,
    /// The part of the tag that was charged out of turn: a debt.
    pub(crate) foreign: i64,
    /// The busy period of the group that the tag belongs to.
    pub(crate) epoch: u32,
    /// Whether the node waits in this priority.
    pub(crate) waits: bool,
}

/// One priority of a group, the children of one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    /// Virtual time: where the tags of those who wait and owe nothing stand on average.
    pub(crate) v: i64,
    /// The busy period: it goes up when nobody waits any more, and all debts with it.
    pub(crate) epoch: u32,
    /// How many children wait.
    pub(crate) waiting: u32,
}

/// How far `n` permits move a tag at `weight`.
pub(crate) fn step(n: Permits, weight: u32) -> i64 {
    (i64::from(n) << 32) / i64::from(weight)
}

impl Group {
    /// Of a group in which nobody waited.
    pub(crate) const IDLE: Self = Self { v: 0, epoch: 0, waiting: 0 };
}

impl Account {
    /// Of a node that never waited.
    pub(crate) const IDLE: Self = Self { tag: 0, foreign: 0, epoch: 0, waits: false };

    /// Waits and owes nothing.
    pub(crate) fn is_regular(&self) -> bool {
        self.waits && self.foreign == 0
    }

    /// Brings the tag of a node that did not wait up to the group: no credit for idle time, but a debt stays
    /// while the group is busy.
    pub(crate) fn join(&mut self, group: &Group) {
        if self.epoch != group.epoch || self.tag <= group.v {
            *self = Self { tag: group.v, foreign: 0, epoch: group.epoch, waits: self.waits };
        }
    }

    /// Moves the tag by a step; one out of turn is a debt.
    pub(crate) fn charge(&mut self, step: i64, in_turn: bool) {
        self.tag += step;
        if !in_turn {
            self.foreign = (self.foreign + step).max(0);
        }
    }

    /// Keeps the lag in permits through a change of weight.
    pub(crate) fn reweigh(&mut self, v: i64, old: u32, new: u32) {
        let scaled = |x: i64| narrow((i128::from(x) * i128::from(old)).div_euclid(i128::from(new)));
        self.tag = v + scaled(self.tag - v);
        self.foreign = scaled(self.foreign);
    }

    /// Bounds debt and claim at the start of a window: out-of-turn debt by one fair share or the largest request,
    /// the claim of somebody who waited by the two together.
    pub(crate) fn bound(&mut self, group: &Group, fair: i64, largest: i64) {
        if self.epoch != group.epoch {
            return;
        }
        let (room, low) = (fair.max(largest), group.v - fair - largest);
        if self.foreign > 0 && self.tag > group.v + room {
            let cut = self.foreign.min(self.tag - group.v - room);
            self.tag -= cut;
            self.foreign -= cut;
        } else if self.waits && self.tag < low {
            self.tag = low;
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
    /// Takes one more tag in.
    pub(crate) fn add(&mut self, tag: i64, weight: u32) {
        self.sum += i128::from(tag) * i128::from(weight);
        self.weight += i64::from(weight);
    }

    /// Whether no tag was taken in.
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
