//! Names of leases: what a client knows a lease by.
//!
//! A name says in which life of its workspace the lease was granted, and carries a keyed hash, so that nobody can guess one. The
//! key lives as long as the process: a name from an earlier life is known by that life, and is that of a lease that ended.

use apportion_core::ids::WorkspaceId;
use apportion_core::request::LeaseId;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// How many bits count the lives of one epoch.
const WITHIN_EPOCH: u32 = 24;

/// One allocator of a workspace. Each counts its leases anew, so a later one must not take an earlier one's for its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct Life(u64);

impl Life {
    /// The life that begins in this epoch of the shard after workspaces were opened `reopened` times more than by taking it over.
    pub(super) fn new(epoch: u64, reopened: u64) -> Self {
        Self((epoch << WITHIN_EPOCH) | (reopened & ((1 << WITHIN_EPOCH) - 1)))
    }
}

/// The name of a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaseName {
    life: Life,
    id: LeaseId,
    seal: u64,
}

/// What a name turns out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    /// A lease of this life.
    Lease(LeaseId),
    /// One of an earlier life: it has ended.
    Ended,
}

impl LeaseName {
    pub(super) fn new(secret: &RandomState, workspace: &WorkspaceId, life: Life, id: LeaseId) -> Self {
        Self { life, id, seal: seal(secret, workspace, life, id) }
    }

    /// Whether the lease was granted in this life.
    pub(super) fn is_of(&self, life: Life) -> bool {
        self.life == life
    }

    /// What `name` names in this life of the workspace; nothing where this process never gave out such a name.
    pub(super) fn read(
        name: &str,
        secret: &RandomState,
        workspace: &WorkspaceId,
        life: Life,
    ) -> Option<Named> {
        let parts: Vec<u64> = name.split('-').map(hexadecimal).collect::<Option<_>>()?;
        let [of_life, id, sealed] = parts.try_into().ok()?;
        let of_life = Life(of_life);
        if of_life < life {
            return Some(Named::Ended);
        }
        let id = LeaseId(id);
        (of_life == life && sealed == seal(secret, workspace, life, id)).then_some(Named::Lease(id))
    }
}

/// Only what `Display` writes: no sign, no leading zero but the seal's, no capital.
fn hexadecimal(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (plain && digits.len() <= 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

fn seal(secret: &RandomState, workspace: &WorkspaceId, life: Life, id: LeaseId) -> u64 {
    secret.hash_one((workspace.as_str(), life.0, id.0))
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:016x}", self.life.0, self.id.0, self.seal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(name: &str) -> WorkspaceId {
        WorkspaceId::new(name).expect("a name")
    }

    #[test]
    fn a_name_is_read_back_in_its_own_workspace_and_life() {
        let (secret, here, there) = (RandomState::new(), workspace("a"), workspace("b"));
        let name = LeaseName::new(&secret, &here, Life(7), LeaseId(41)).to_string();
        assert_eq!(LeaseName::read(&name, &secret, &here, Life(7)), Some(Named::Lease(LeaseId(41))));
        assert_eq!(LeaseName::read(&name, &secret, &here, Life(8)), Some(Named::Ended));
        assert_eq!(LeaseName::read(&name, &secret, &here, Life(6)), None);
        assert_eq!(LeaseName::read(&name, &secret, &there, Life(7)), None);
        assert_eq!(LeaseName::read(&name, &RandomState::new(), &here, Life(7)), None);
    }

    #[test]
    fn every_life_of_an_epoch_is_before_the_next_epoch() {
        let lives = [(1, 0), (1, 1), (1, 0xff_ffff), (2, 0), (2, 1)]
            .map(|(epoch, reopened)| Life::new(epoch, reopened));
        assert!(lives.is_sorted_by(|one, next| one < next), "{lives:?}");
    }

    #[test]
    fn what_nobody_gave_out_is_no_name() {
        let (secret, here) = (RandomState::new(), workspace("a"));
        let name = LeaseName::new(&secret, &here, Life(7), LeaseId(41)).to_string();
        for bad in [
            "",
            "-",
            "--",
            "7-29",
            "7-29-",
            "7-29-zz",
            "+7-29-1",
            "7-29-1-1",
            "é-1-1",
            "99999999999999999-1-1",
        ] {
            assert_eq!(LeaseName::read(bad, &secret, &here, Life(7)), None, "{bad}");
        }
        for at in 0..name.len() {
            let mut forged = name.clone().into_bytes();
            forged[at] = if forged[at] == b'8' { b'9' } else { b'8' };
            let forged = String::from_utf8(forged).expect("ASCII");
            assert_ne!(
                LeaseName::read(&forged, &secret, &here, Life(7)),
                Some(Named::Lease(LeaseId(41))),
                "{forged}"
            );
        }
    }
}
