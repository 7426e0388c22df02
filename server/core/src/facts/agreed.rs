//! The largest value that two different leases reported.

use crate::request::LeaseId;

/// The largest value and the lease that reported it, and the largest that another lease reported too.
#[derive(Clone, Debug, Default)]
pub(super) struct Agreed<T> {
    most: Option<(LeaseId, T)>,
    /// The largest value that two leases reported.
    pub(super) by_two: T,
}

impl<T: Copy + Ord> Agreed<T> {
    /// Takes in a value that was reported under `lease`.
    pub(super) fn add(&mut self, lease: LeaseId, value: T) {
        match self.most {
            Some((holder, most)) if holder == lease => self.most = Some((holder, most.max(value))),
            Some((_, most)) => {
                self.by_two = self.by_two.max(most.min(value));
                if value > most {
                    self.most = Some((lease, value));
                }
            }
            None => self.most = Some((lease, value)),
        }
    }
}
