//! How far a call has travelled between nodes.

use crate::owners::Owner;
use apportion_proto::peer_v1;

/// Most nodes that may pass one call on.
pub(crate) const HOPS_MAX: u32 = 2;

/// The journey of a call so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Journey {
    /// How many nodes have passed it on.
    hops: u32,
    /// The epoch of the claim under which the last of them took this node for the owner.
    epoch: u64,
}

impl Journey {
    /// The journey of a call that its caller sent to this node.
    pub(crate) const START: Self = Self { hops: 0, epoch: 0 };

    /// The journey as another node wrote it; none where it breaks the rules.
    pub(crate) fn read(wire: Option<&peer_v1::Journey>) -> Option<Self> {
        let peer_v1::Journey { hops, epoch } = *wire?;
        (1..=HOPS_MAX).contains(&hops).then_some(Self { hops, epoch })
    }

    /// Whether another node has passed the call on: it asks again by itself.
    pub(super) fn was_passed(&self) -> bool {
        self.hops > 0
    }

    /// Whether a claim of this node is as new as the one that the sender expects.
    pub(super) fn is_met_by(&self, epoch: u64) -> bool {
        epoch >= self.epoch
    }

    /// The journey to an owner; none where the call has gone far enough, or the sender knows a newer one.
    pub(super) fn to(&self, owner: &Owner) -> Option<peer_v1::Journey> {
        let may_go = self.hops < HOPS_MAX && (!self.was_passed() || owner.epoch > self.epoch);
        may_go.then_some(peer_v1::Journey { hops: self.hops + 1, epoch: owner.epoch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::ids::NodeId;

    fn owner(epoch: u64) -> Owner {
        let node = NodeId::new("b").expect("a name");
        Owner { node, epoch, peer_address: String::new(), client_address: String::new() }
    }

    fn passed(hops: u32, epoch: u64) -> Journey {
        Journey::read(Some(&peer_v1::Journey { hops, epoch })).expect("it is allowed")
    }

    #[test]
    fn a_call_goes_two_hops_and_each_to_a_newer_claim() {
        assert_eq!(Journey::START.to(&owner(3)).map(|to| (to.hops, to.epoch)), Some((1, 3)));
        assert_eq!(passed(1, 3).to(&owner(4)).map(|to| (to.hops, to.epoch)), Some((2, 4)));
        assert_eq!(passed(1, 3).to(&owner(3)), None, "the sender knows that claim");
        assert_eq!(passed(2, 3).to(&owner(9)), None, "it has gone far enough");
    }

    #[test]
    fn an_older_claim_gives_way() {
        assert!(passed(1, 3).is_met_by(3) && passed(1, 3).is_met_by(4) && !passed(1, 3).is_met_by(2));
    }

    #[test]
    fn a_journey_without_a_hop_or_with_too_many_is_none() {
        for hops in [0, 3, u32::MAX] {
            assert_eq!(Journey::read(Some(&peer_v1::Journey { hops, epoch: 1 })), None);
        }
        assert_eq!(Journey::read(None), None);
    }
}
