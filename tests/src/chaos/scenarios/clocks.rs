//! Nodes whose clocks are off: by less than the error that is allowed, and by far more.

use std::time::{Duration, Instant};

use super::super::lab::{Lab, with_clock};
use super::super::trial::Trial;
use crate::process::pass;
use crate::provider::realtime_ns;

/// What is allowed, and what is not, in milliseconds.
const ALLOWED_MS: i64 = 80;
const WRONG_MS: i64 = 5_000;
/// How long a node with such a clock runs.
const RUNS: Duration = Duration::from_secs(9);

/// The sign of the error of a round.
fn sign(round: usize) -> i64 {
    if round.is_multiple_of(2) { 1 } else { -1 }
}

/// Starts a node anew with another clock, and returns what started it before.
async fn start_with(lab: &mut Lab, node: usize, ahead_ms: i64, from_ns: u64) -> Vec<std::ffi::OsString> {
    let start = with_clock(&lab.network, node, ahead_ms, from_ns);
    lab.nodes.stop(node).await;
    let before = std::mem::replace(&mut lab.nodes.site_mut(node).start, start);
    lab.nodes.start_again(node).await;
    before
}

/// Starts a node anew as it was.
async fn start_right(lab: &mut Lab, node: usize, start: Vec<std::ffi::OsString>) {
    lab.nodes.stop(node).await;
    lab.nodes.site_mut(node).start = start;
    lab.nodes.start_again(node).await;
    lab.settled().await;
}

pub(super) async fn slightly_off(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("a clock off by 80 ms");
    for round in 0..faults {
        lab.calm(round).await;
        let owner = lab.owner(0).await;
        let asking = lab.ask(&lab.others(&[owner]));
        trial.fault();
        let before = start_with(lab, owner, sign(round) * ALLOWED_MS, 0).await;
        lab.settled().await;
        pass(RUNS).await;
        assert!(lab.owned(owner).await > 0, "it takes part");
        start_right(lab, owner, before).await;
        trial.granted(asking.slowest().await);
        trial.healed();
    }
    trial.end(lab).await
}

pub(super) async fn off_at_start(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("a node that starts with a clock off by 5 s");
    for round in 0..faults {
        lab.calm(round).await;
        let owner = lab.owner(0).await;
        let asking = lab.ask(&lab.others(&[owner]));
        trial.fault();
        let before = start_with(lab, owner, sign(round) * WRONG_MS, 0).await;
        let started = Instant::now();
        while started.elapsed() < RUNS {
            assert_eq!(lab.owned(owner).await, 0, "it claims none");
            pass(Duration::from_millis(200)).await;
        }
        start_right(lab, owner, before).await;
        trial.granted(asking.slowest().await);
        trial.healed();
    }
    trial.end(lab).await
}

pub(super) async fn step(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("an owner's clock steps by 5 s");
    for round in 0..faults {
        lab.calm(round).await;
        let owner = lab.owner(0).await;
        let others = lab.others(&[owner]);
        let in_a_while = Duration::from_secs(8);
        let from_ns = realtime_ns() + 8_000_000_000;
        let start = Instant::now();
        let before = start_with(lab, owner, sign(round) * WRONG_MS, from_ns).await;
        lab.settled().await;
        pass(in_a_while.saturating_sub(start.elapsed())).await;
        trial.fault();
        let at = Instant::now();
        trial.granted(lab.next_grant(&others, at).await);
        while lab.owned(owner).await > 0 {
            assert!(at.elapsed() < Duration::from_secs(5), "it gives its shards away");
            pass(Duration::from_millis(50)).await;
        }
        while at.elapsed() < RUNS {
            assert_eq!(lab.owned(owner).await, 0, "it claims none");
            pass(Duration::from_millis(200)).await;
        }
        start_right(lab, owner, before).await;
        trial.healed();
    }
    trial.end(lab).await
}
