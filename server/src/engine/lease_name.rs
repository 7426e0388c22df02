//! Lease names: what a client knows a lease by.
//!
//! A name carries the life of its workspace in which the lease was granted, and a 64-bit MAC, so that nobody can forge one. The key
//! lives as long as the process: a name from an earlier life is recognized by that life, and names an expired lease.
//!
//! The MAC is SipHash-2-4 with a random 128-bit key (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). It was
//! designed as a MAC for short inputs: without the key a tag is guessed with probability 2^-64, and each guess is a call that is
//! refused. The standard library's hasher is SipHash-1-3, which makes no such claim.

use apportion_core::ids::WorkspaceId;
use apportion_core::request::LeaseId;
use siphasher::sip::SipHasher24;
use std::fmt;

/// Random bits of this process alone: the key of all lease names, and where the nonces of its writes begin.
pub(super) struct ProcessSecret {
    key: [u8; 16],
    pub(super) nonce: u64,
}

impl fmt::Debug for ProcessSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessSecret").finish_non_exhaustive() // the key is printed nowhere
    }
}

impl ProcessSecret {
    /// A new one; none where the system gives no random bits.
    pub(super) fn new() -> Option<Self> {
        let (mut key, mut nonce) = ([0; 16], [0; 8]);
        getrandom::fill(&mut key).ok()?;
        getrandom::fill(&mut nonce).ok()?;
        Some(Self { key, nonce: u64::from_le_bytes(nonce) })
    }

    fn seal(&self, workspace: &WorkspaceId, life: Life, id: LeaseId) -> u64 {
        // Two numbers of fixed length, then the workspace: no other lease has the same bytes.
        let (mut bytes, name) = ([0; 16 + WorkspaceId::LONGEST], workspace.as_str().as_bytes());
        let length = 16 + name.len();
        bytes[..8].copy_from_slice(&life.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&id.0.to_le_bytes());
        bytes[16..length].copy_from_slice(name);
        SipHasher24::new_with_key(&self.key).hash(&bytes[..length])
    }
}

/// One allocator of a workspace. Each counts its leases from the start, so one must not take another's leases for its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct Life(u64);

impl Life {
    /// The life with this number, as the ledger counts them: never 0, and higher than those before it.
    pub(super) fn of(number: u64) -> Self {
        Self(number)
    }

    /// The life as a number, unlike for any other of the workspace.
    pub(super) fn number(self) -> u64 {
        self.0
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
pub(super) enum LeaseRef {
    /// A lease of this life.
    Lease(LeaseId),
    /// One of an earlier life: it has expired.
    Expired,
}

impl LeaseName {
    pub(super) fn new(secret: &ProcessSecret, workspace: &WorkspaceId, life: Life, id: LeaseId) -> Self {
        Self { life, id, seal: secret.seal(workspace, life, id) }
    }

    /// Whether the lease was granted in this life.
    pub(super) fn is_of(&self, life: Life) -> bool {
        self.life == life
    }

    /// What `name` names in this life of the workspace; nothing where this process never gave out such a name.
    pub(super) fn read(
        name: &str,
        secret: &ProcessSecret,
        workspace: &WorkspaceId,
        life: Life,
    ) -> Option<LeaseRef> {
        let mut parts = name.splitn(3, '-').map(hexadecimal);
        let mut next = || parts.next().flatten();
        let (of_life, id, sealed) = (Life(next()?), next()?, next()?);
        if of_life < life {
            return Some(LeaseRef::Expired);
        }
        let id = LeaseId(id);
        // One comparison of two words takes the same time wherever they differ.
        (of_life == life && sealed == secret.seal(workspace, life, id)).then_some(LeaseRef::Lease(id))
    }
}

/// Only what `Display` writes: no sign, no capital, at most 16 digits.
fn hexadecimal(digits: &str) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.bytes().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some((number << 4) | u64::from(digit))
    })
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Text::new();
        text.push_hexadecimal(self.life.0, 1);
        text.push(b'-');
        text.push_hexadecimal(self.id.0, 1);
        text.push(b'-');
        text.push_hexadecimal(self.seal, 16);
        f.write_str(text.as_str())
    }
}

/// The longest name: three numbers of 16 digits, and two dashes.
const LONGEST: usize = 50;

/// A name while it is written: each lease needs one, and the formatter of the library takes longer than the decision.
struct Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; LONGEST], length: 0 }
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// Writes a number without leading zeros, but with so many digits at least.
    fn push_hexadecimal(&mut self, number: u64, least: u32) {
        let digits = (16 - number.leading_zeros() / 4).max(least);
        for digit in (0..digits).rev() {
            self.push(
                b"0123456789abcdef"[usize::from(u8::try_from(number >> (4 * digit) & 0xf).unwrap_or(0))],
            );
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> ProcessSecret {
        ProcessSecret::new().expect("random bits")
    }

    fn workspace(name: &str) -> WorkspaceId {
        WorkspaceId::new(name).expect("a name")
    }

    #[test]
    fn a_name_is_read_back_in_its_own_workspace_and_life() {
        let (secret, here, there) = (new(), workspace("a"), workspace("b"));
        let name = LeaseName::new(&secret, &here, Life(7), LeaseId(41)).to_string();
        assert_eq!(LeaseName::read(&name, &secret, &here, Life(7)), Some(LeaseRef::Lease(LeaseId(41))));
        assert_eq!(LeaseName::read(&name, &secret, &here, Life(8)), Some(LeaseRef::Expired));
        assert_eq!(LeaseName::read(&name, &secret, &here, Life(6)), None);
        assert_eq!(LeaseName::read(&name, &secret, &there, Life(7)), None);
        assert_eq!(LeaseName::read(&name, &new(), &here, Life(7)), None);
    }

    /// The key and the tags of the paper's reference implementation, for the input 00 01 02 …
    #[test]
    fn the_seal_is_siphash_2_4() {
        let input: Vec<u8> = (0..15).collect();
        let hasher =
            SipHasher24::new_with_key(&std::array::from_fn(|at| u8::try_from(at).expect("below 16")));
        assert_eq!(hasher.hash(&input), 0xa129_ca61_49be_45e5);
        assert_eq!(hasher.hash(&[]), 0x726f_db47_dd0e_0e31);
    }

    #[test]
    fn a_name_is_written_as_the_library_would_write_it() {
        for (life, id, seal) in
            [(0, 0, 0), (1, 0x10, 0xabc), (u64::MAX, u64::MAX, u64::MAX), (7, 0xf0, 1 << 63)]
        {
            let name = LeaseName { life: Life(life), id: LeaseId(id), seal };
            assert_eq!(name.to_string(), format!("{life:x}-{id:x}-{seal:016x}"));
        }
    }

    #[test]
    fn what_nobody_gave_out_is_no_name() {
        let (secret, here) = (new(), workspace("a"));
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
                Some(LeaseRef::Lease(LeaseId(41))),
                "{forged}"
            );
        }
    }
}
