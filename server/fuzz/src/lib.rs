//! Random input for decoders, the same in every run: seeds count up from one that is fixed. What has one fails with its number.

use std::time::{Duration, Instant};

/// Where the seeds begin.
const FIRST_SEED: u64 = 0x4150_504f_5254;
/// How long all fuzzing takes together, in seconds, unless `APPORTION_FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 60;
/// Decoders that are fuzzed here; the running server gets the other half of the time.
const DECODERS: u32 = 7;

/// A stream of random numbers (SplitMix64).
pub struct Noise(u64);

impl Noise {
    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    ///
    /// # Panics
    /// Never: what is below a `usize` is one.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.any() % bound.max(1) as u64).expect("below a usize")
    }

    /// So many random bytes at most.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.any().to_le_bytes()[0]).collect()
    }

    /// The same bytes with a few changes: some flipped, cut out, doubled or put in between.
    pub fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let until = (at + self.below(16)).min(bytes.len());
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.any().to_le_bytes()[0],
                2 => drop(bytes.drain(at..until)),
                3 => {
                    let part = bytes[at..until].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let part = self.bytes(8);
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}

/// Tells which case it was where one panics.
struct Case(u64);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the case with the seed {:#x} failed", self.0);
        }
    }
}

/// Runs case after case for as long as a decoder has, at least a few. Returns how many.
///
/// # Panics
/// Where a case does.
pub fn fuzz(mut case: impl FnMut(&mut Noise)) -> u64 {
    let seconds = std::env::var("APPORTION_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS)) / 2 / DECODERS;
    let begun = Instant::now();
    for number in 0.. {
        if number >= 20 && begun.elapsed() >= time {
            return number;
        }
        let seed = FIRST_SEED + number;
        let _case = Case(seed);
        case(&mut Noise(seed));
    }
    unreachable!("it ends by time")
}
