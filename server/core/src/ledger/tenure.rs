//! What a workspace's books need to know of the shard that they are in.

use super::claim::Claim;
use super::horizon::Horizon;
use super::marks::Marks;
use super::store::Compare;
use super::version::Version;
use crate::mutant::{self, Mutant};
use crate::time::Timestamp;

/// The claim that this node serves a shard under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tenure<'a> {
    pub(super) shard: u16,
    pub(super) claim: &'a Claim,
    pub(super) version: Version,
    pub(super) horizon: &'a Horizon,
    /// Whether blocks are booked and granted.
    pub(super) is_serving: bool,
}

impl Tenure<'_> {
    /// What every write under the claim compares.
    pub(super) fn compare(&self) -> Vec<Compare> {
        let mut compare = vec![Compare::Incarnation(self.claim.incarnation)];
        if !mutant::active(Mutant::BookWithoutClaim) {
            compare.push(Compare::Claim(self.shard, Some(self.version)));
        }
        compare
    }

    /// Marks that were read, as they count under the claim.
    pub(super) fn adopted(&self, marks: Marks, now: Timestamp) -> Marks {
        marks.under(self.claim, now, self.horizon.known_from(now))
    }
}
