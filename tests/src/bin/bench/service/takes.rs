//! Permits taken from a held lease without a call: what each request of a client costs.

use crate::measure::{each, median};
use crate::row::row;
use apportion_client::clock::{self, BootInstant};
use apportion_client::pool::PermitPool;
use std::hint::black_box;

const TAKES: u32 = 2_000_000;
const RUNS: usize = 5;

/// Prints the cost of a take, beside the clock reading that each take includes.
pub(crate) fn rows() {
    let takes = median((0..RUNS).map(|_| each(take_all)).collect());
    row("takes from a held lease a second", format!("{:.1} M", 1e3 / takes), "at least 20 M");
    let clock = median((0..RUNS).map(|_| each(read_clock)).collect());
    row("  one take, and the reading of the clock in it", format!("{takes:.0} ns, {clock:.0} ns"), "");
}

fn take_all() -> u64 {
    let held = PermitPool::new(TAKES, BootInstant::from_nanos(u64::MAX));
    let mut taken = 0;
    while held.take(clock::now()) {
        taken += 1;
    }
    black_box(taken)
}

fn read_clock() -> u64 {
    (0..TAKES).for_each(|_| {
        black_box(clock::now());
    });
    TAKES.into()
}
