//! Refused credentials: counted, logged now and then, and limited to a few a second from one address.
//!
//! Most guesses are not checked, however many arrive at once: beyond what an address may get wrong, only tokens that were accepted
//! from it before are checked. Knows no tokens.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// CredentialFault tokens that an address may send at once.
pub(crate) const BURST: u32 = 100;
/// How long it takes until it may send one more.
const REFILL: Duration = Duration::from_millis(100);
/// Addresses with an account of their own; all others share one.
const PEERS_MAX: usize = 10_000;
/// The least time between two log lines about refused credentials.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// How often addresses are forgotten that got nothing wrong lately.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(1);

/// Where a call comes from: an address of IPv4, or the network of 64 bits that one of IPv6 is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Peer(u64);

impl Peer {
    /// All addresses that share one account.
    const OTHERS: Self = Self(1);

    /// The peer of a connection.
    pub(crate) fn of(address: Option<SocketAddr>) -> Self {
        match address.map(|address| address.ip().to_canonical()) {
            Some(IpAddr::V4(address)) => Self(1 << 33 | u64::from(address.to_bits())),
            Some(IpAddr::V6(address)) => {
                let [network @ .., _, _, _, _] = address.segments();
                Self(network.iter().fold(0, |bits, &part| bits << 16 | u64::from(part)).max(2))
            }
            None => Self::OTHERS,
        }
    }
}

/// The peers from which a token was accepted, the last few.
#[derive(Default, Debug)]
pub(super) struct KnownPeers {
    peers: [AtomicU64; 8],
    next: AtomicUsize,
}

impl KnownPeers {
    pub(super) fn has(&self, peer: Peer) -> bool {
        self.peers.iter().any(|seen| seen.load(Ordering::Relaxed) == peer.0)
    }

    /// Remembers a peer, in place of the one that was remembered first.
    pub(super) fn add(&self, peer: Peer) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.peers.len();
        self.peers[place].store(peer.0, Ordering::Relaxed);
    }
}

/// Why a credential was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CredentialFault {
    /// None came where one is required.
    Missing,
    /// The token is not known, or has expired.
    Token,
    /// The client certificate is not known, or has expired.
    Certificate,
    /// It was not checked: too many wrong ones came from the same address.
    Unchecked,
}

impl CredentialFault {
    /// All faults, with their names in metrics.
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Missing, "missing"),
        (Self::Token, "token"),
        (Self::Certificate, "certificate"),
        (Self::Unchecked, "unseen"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(fault, _)| *fault == self).map_or("", |(_, name)| name)
    }
}

/// The counts of refused credentials, and the account of every peer.
#[derive(Default, Debug)]
pub(crate) struct Guesses {
    counts: [AtomicU64; CredentialFault::ALL.len()],
    /// How many peers have an account: while there are none, the lock is not taken.
    suspects: AtomicUsize,
    accounts: Mutex<Accounts>,
    log: Mutex<LogState>,
}

/// When each peer's burst is whole again.
#[derive(Default, Debug)]
struct Accounts {
    whole_at: HashMap<Peer, Instant>,
    cleaned_at: Option<Instant>,
}

/// When the log was written, and what it left out since.
#[derive(Default, Debug)]
struct LogState {
    written_at: Option<Instant>,
    left_out: u64,
}

impl Guesses {
    /// How many credentials were refused since the start, and why.
    pub(crate) fn count(&self, fault: CredentialFault) -> u64 {
        self.counts[fault as usize].load(Ordering::Relaxed)
    }

    /// How long it takes until a token of this peer is checked; none where it is checked now.
    pub(super) fn pause(&self, peer: Peer, now: Instant) -> Option<Duration> {
        if self.suspects.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.clean_up(now);
        self.suspects.store(accounts.whole_at.len(), Ordering::Release);
        let paid = accounts.whole_at.get(&peer).or_else(|| {
            (accounts.whole_at.len() >= PEERS_MAX).then(|| accounts.whole_at.get(&Peer::OTHERS)).flatten()
        })?;
        let owed = paid.saturating_duration_since(now);
        owed.checked_sub(REFILL * BURST).filter(|pause| !pause.is_zero())
    }

    /// Counts a refused credential.
    pub(super) fn note(&self, fault: CredentialFault, from: Option<SocketAddr>, now: Instant) {
        self.counts[fault as usize].fetch_add(1, Ordering::Relaxed);
        if fault == CredentialFault::Token {
            let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            accounts.add(Peer::of(from), now);
            self.suspects.store(accounts.whole_at.len(), Ordering::Release);
        }
        self.log(fault, from, now);
    }

    /// Counts a connection whose client certificate was refused before there was a call.
    pub(crate) fn note_handshake(&self, from: Option<SocketAddr>) {
        self.note(CredentialFault::Certificate, from, Instant::now());
    }

    fn log(&self, fault: CredentialFault, from: Option<SocketAddr>, now: Instant) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.written_at.is_some_and(|last| now.saturating_duration_since(last) < LOG_INTERVAL) {
            log.left_out += 1;
            return;
        }
        let left_out = std::mem::take(&mut log.left_out);
        log.written_at = Some(now);
        let from = from.map_or_else(|| "unknown".into(), |from| from.to_string());
        tracing::warn!(credential = fault.name(), from, left_out, "a credential was refused");
    }
}

impl Accounts {
    fn add(&mut self, peer: Peer, now: Instant) {
        let is_full = self.whole_at.len() >= PEERS_MAX && !self.whole_at.contains_key(&peer);
        let peer = if is_full { Peer::OTHERS } else { peer };
        let whole_at = self.whole_at.entry(peer).or_insert(now);
        // A peer that goes on guessing owes no more than that.
        *whole_at = ((*whole_at).max(now) + REFILL).min(now + REFILL * (BURST + 10));
    }

    fn clean_up(&mut self, now: Instant) {
        if self.cleaned_at.is_none_or(|last| now.saturating_duration_since(last) >= CLEANUP_INTERVAL) {
            self.cleaned_at = Some(now);
            self.whole_at.retain(|_, whole_at| *whole_at > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Option<SocketAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn an_address_may_be_wrong_a_hundred_times_at_once_and_then_ten_times_a_second() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        let (here, there) = (from("192.0.2.1:1"), from("192.0.2.2:1"));
        assert_eq!(guesses.pause(Peer::of(here), start), None);
        let mut looked_at = 0;
        for step in 0..20_000_u32 {
            let now = start + Duration::from_micros(500) * step;
            if guesses.pause(Peer::of(here), now).is_none() {
                guesses.note(CredentialFault::Token, here, now);
                looked_at += 1;
            }
            assert_eq!(guesses.pause(Peer::of(there), now), None, "the neighbour did nothing");
        }
        assert!((195..=205).contains(&looked_at), "{looked_at} in 10 s");
        assert_eq!(guesses.count(CredentialFault::Token), looked_at);
        let later = start + Duration::from_secs(60);
        assert_eq!(guesses.pause(Peer::of(here), later), None);
        assert_eq!(guesses.suspects.load(Ordering::Relaxed), 0, "it is forgotten");
    }

    #[test]
    fn addresses_beyond_the_bound_share_an_account_and_memory_stays_bounded() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let address = |number: u32| Some(SocketAddr::from((std::net::Ipv4Addr::from_bits(number), 1)));
        for number in 0..PEERS_MAX as u32 + 200 {
            guesses.note(CredentialFault::Token, address(number), now);
        }
        assert!(guesses.accounts.lock().expect("sound").whole_at.len() <= PEERS_MAX + 1);
        assert_eq!(guesses.pause(Peer::of(address(1)), now), None, "it was wrong once");
        assert!(guesses.pause(Peer::of(address(9_999_999)), now).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_a_mapped_address_is_that_of_ipv4() {
        let source = |text| Peer::of(from(text));
        assert_eq!(source("[2001:db8::1]:1"), source("[2001:db8::ffff:1:2:3]:9"));
        assert_ne!(source("[2001:db8::1]:1"), source("[2001:db8:0:1::1]:1"));
        assert_eq!(source("[::ffff:192.0.2.1]:1"), source("192.0.2.1:1"));
        assert_ne!(source("192.0.2.1:1"), source("192.0.2.2:1"));
    }

    #[test]
    fn the_last_eight_sources_of_a_token_are_remembered() {
        let seen = KnownPeers::default();
        (10..20).for_each(|number| seen.add(Peer(number)));
        assert!((12..20).all(|number| seen.has(Peer(number))));
        assert!(!seen.has(Peer(11)));
    }
}
