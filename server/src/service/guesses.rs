//! Credentials that were refused: counted, told in the log now and then, and few a second from one address.
//!
//! Who guesses tokens gets no answer to most of its guesses, however many it sends at once: beyond what an address may get wrong, a
//! token that was not good from there before is not even looked at. Knows no tokens.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tokens that an address may send at once.
pub(crate) const BURST: u32 = 100;
/// How long it takes until it may send one more.
const STEP: Duration = Duration::from_millis(100);
/// Addresses that are told apart; the others share one account.
const SOURCES_MAX: usize = 10_000;
/// How often the log tells of refused credentials at most.
const TELL: Duration = Duration::from_secs(10);
/// How often addresses are forgotten that did nothing wrong lately.
const TIDY: Duration = Duration::from_secs(1);

/// Where a call comes from: an address of IPv4, or the network of 64 bits that one of IPv6 is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Source(u64);

impl Source {
    /// All those that are not told apart.
    const OTHERS: Self = Self(1);

    /// The source of a connection.
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

/// The sources from which a token was good, as far as they are remembered.
#[derive(Default, Debug)]
pub(super) struct Seen {
    sources: [AtomicU64; 8],
    next: AtomicUsize,
}

impl Seen {
    pub(super) fn has(&self, source: Source) -> bool {
        self.sources.iter().any(|seen| seen.load(Ordering::Relaxed) == source.0)
    }

    /// Remembers a source, in the place of the one that was remembered first.
    pub(super) fn add(&self, source: Source) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.sources.len();
        self.sources[place].store(source.0, Ordering::Relaxed);
    }
}

/// What was wrong with a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    /// None came where one is needed.
    Missing,
    /// The token is not known, or has expired.
    Token,
    /// The client certificate is not known, or has expired.
    Certificate,
    /// It was not looked at: too many wrong ones came from there.
    Unseen,
}

impl Wrong {
    /// All there are, with what metrics call them.
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Missing, "missing"),
        (Self::Token, "token"),
        (Self::Certificate, "certificate"),
        (Self::Unseen, "unseen"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(wrong, _)| *wrong == self).map_or("", |(_, name)| name)
    }
}

/// What was refused.
#[derive(Default, Debug)]
pub(crate) struct Guesses {
    counts: [AtomicU64; Wrong::ALL.len()],
    /// How many sources are in the map: while there are none, nobody looks.
    suspects: AtomicUsize,
    until: Mutex<Until>,
    told: Mutex<Told>,
}

/// When each source has made up for what it got wrong.
#[derive(Default, Debug)]
struct Until {
    sources: HashMap<Source, Instant>,
    tidied: Option<Instant>,
}

/// What the log was told.
#[derive(Default, Debug)]
struct Told {
    last: Option<Instant>,
    since: u64,
}

impl Guesses {
    /// How many credentials were refused since the start, and why.
    pub(crate) fn count(&self, wrong: Wrong) -> u64 {
        self.counts[wrong as usize].load(Ordering::Relaxed)
    }

    /// How long it takes until a token from there is looked at; none where it is now.
    pub(super) fn pause(&self, source: Source, now: Instant) -> Option<Duration> {
        if self.suspects.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.tidy(now);
        self.suspects.store(until.sources.len(), Ordering::Release);
        let paid = until.sources.get(&source).or_else(|| {
            (until.sources.len() >= SOURCES_MAX).then(|| until.sources.get(&Source::OTHERS)).flatten()
        })?;
        let owed = paid.saturating_duration_since(now);
        owed.checked_sub(STEP * BURST).filter(|pause| !pause.is_zero())
    }

    /// Notes a credential that was refused.
    pub(super) fn note(&self, wrong: Wrong, from: Option<SocketAddr>, now: Instant) {
        self.counts[wrong as usize].fetch_add(1, Ordering::Relaxed);
        if wrong == Wrong::Token {
            let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
            until.add(Source::of(from), now);
            self.suspects.store(until.sources.len(), Ordering::Release);
        }
        self.tell(wrong, from, now);
    }

    /// Notes a connection whose client certificate was refused before there was a call.
    pub(crate) fn note_handshake(&self, from: Option<SocketAddr>) {
        self.note(Wrong::Certificate, from, Instant::now());
    }

    fn tell(&self, wrong: Wrong, from: Option<SocketAddr>, now: Instant) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last.is_some_and(|last| now.saturating_duration_since(last) < TELL) {
            told.since += 1;
            return;
        }
        let before = std::mem::take(&mut told.since);
        told.last = Some(now);
        let from = from.map_or_else(|| "nowhere".into(), |from| from.to_string());
        tracing::warn!(credential = wrong.name(), from, before, "a credential was refused");
    }
}

impl Until {
    fn add(&mut self, source: Source, now: Instant) {
        let is_full = self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source);
        let source = if is_full { Source::OTHERS } else { source };
        let until = self.sources.entry(source).or_insert(now);
        // Who goes on all the same owes no more than that.
        *until = ((*until).max(now) + STEP).min(now + STEP * (BURST + 10));
    }

    fn tidy(&mut self, now: Instant) {
        if self.tidied.is_none_or(|last| now.saturating_duration_since(last) >= TIDY) {
            self.tidied = Some(now);
            self.sources.retain(|_, until| *until > now);
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
        assert_eq!(guesses.pause(Source::of(here), start), None);
        let mut looked_at = 0;
        for step in 0..20_000_u32 {
            let now = start + Duration::from_micros(500) * step;
            if guesses.pause(Source::of(here), now).is_none() {
                guesses.note(Wrong::Token, here, now);
                looked_at += 1;
            }
            assert_eq!(guesses.pause(Source::of(there), now), None, "the neighbour did nothing");
        }
        assert!((195..=205).contains(&looked_at), "{looked_at} in 10 s");
        assert_eq!(guesses.count(Wrong::Token), looked_at);
        let later = start + Duration::from_secs(60);
        assert_eq!(guesses.pause(Source::of(here), later), None);
        assert_eq!(guesses.suspects.load(Ordering::Relaxed), 0, "it is forgotten");
    }

    #[test]
    fn addresses_beyond_the_bound_share_an_account_and_memory_stays_bounded() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let address = |number: u32| Some(SocketAddr::from((std::net::Ipv4Addr::from_bits(number), 1)));
        for number in 0..SOURCES_MAX as u32 + 200 {
            guesses.note(Wrong::Token, address(number), now);
        }
        assert!(guesses.until.lock().expect("sound").sources.len() <= SOURCES_MAX + 1);
        assert_eq!(guesses.pause(Source::of(address(1)), now), None, "it was wrong once");
        assert!(guesses.pause(Source::of(address(9_999_999)), now).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_a_mapped_address_is_that_of_ipv4() {
        let source = |text| Source::of(from(text));
        assert_eq!(source("[2001:db8::1]:1"), source("[2001:db8::ffff:1:2:3]:9"));
        assert_ne!(source("[2001:db8::1]:1"), source("[2001:db8:0:1::1]:1"));
        assert_eq!(source("[::ffff:192.0.2.1]:1"), source("192.0.2.1:1"));
        assert_ne!(source("192.0.2.1:1"), source("192.0.2.2:1"));
    }

    #[test]
    fn the_last_eight_sources_of_a_token_are_remembered() {
        let seen = Seen::default();
        (10..20).for_each(|number| seen.add(Source(number)));
        assert!((12..20).all(|number| seen.has(Source(number))));
        assert!(!seen.has(Source(11)));
    }
}
