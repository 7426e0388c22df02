//! A client: reckons its deadline from its own send time, uses permits late and early, returns some, repeats requests.
//!
//! Its clock only measures lengths of time. Knows no window.

use super::message::Lease;
use super::plan::MS;
use super::random::Random;
use apportion_core::mutant::{self, Mutant};

/// What a client does with one lease.
#[derive(Clone, Debug, Default)]
pub struct Use {
    /// When each used permit reaches the provider.
    pub arrivals: Vec<u64>,
    /// How many it gives back.
    pub unused: u64,
}

/// Decides over a lease whose answer came in at `now`.
pub fn use_lease(random: &mut Random, now: u64, lease: &Lease, check_to_count: u64) -> Use {
    let deadline = match mutant::active(Mutant::DeadlineFromReceipt) {
        true => now + lease.valid_for,
        false => lease.attempt.sent + lease.held + lease.valid_for,
    };
    let mut used = Use::default();
    let permits = u64::from(lease.attempt.ask.permits);
    if random.percent(15) || now > deadline {
        used.unused = permits;
        return used;
    }
    let kept = if random.percent(20) { random.between(1, permits) } else { permits };
    used.unused = permits - kept;
    for _ in 0..kept {
        let checked = match random.between(0, 3) {
            0 => deadline,
            1 => random.between(now, deadline),
            _ => (now + random.between(0, 2 * MS)).min(deadline),
        };
        let travel = match random.between(0, 2) {
            0 => check_to_count,
            1 => random.between(0, check_to_count),
            _ => random.between(0, MS / 2),
        };
        used.arrivals.push(checked + travel);
    }
    used
}
