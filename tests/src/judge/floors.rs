//! The least a lower priority gets while it has a backlog.

use apportion_core::policy::Share;
use apportion_core::priority::Priority;
use apportion_core::scenario::{Arrivals, Record, Scenario};

/// A priority with an endless backlog from before window 0 gets, in any m windows, at least m floors less one of
/// the largest requests. For scenarios without reservations, caps and events, which come before floors.
///
/// # Errors
/// The first priority and windows with less.
pub fn floors_kept(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    let largest = i128::from(scenario.policy.largest().get());
    for c in Priority::ALL {
        if !backlogged(scenario, c) {
            continue;
        }
        let floor = scenario.policy.floors[c].of(scenario.policy.limits[0].permits);
        let whole = i128::from(Share::WHOLE);
        let missing = granted(scenario, log, c).into_iter().map(|n| i128::from(floor) - n * whole);
        // The largest sum over an interval, by Kadane.
        let (mut sum, mut worst, mut at) = (0, 0, 0);
        for (window, missing) in missing.enumerate() {
            sum = (sum + missing).max(0);
            if sum > worst {
                (worst, at) = (sum, window);
            }
        }
        if worst > largest * whole {
            return Err(format!("{c} got {worst} billionths less than its floors until window {at}"));
        }
    }
    Ok(())
}

fn backlogged(scenario: &Scenario, c: Priority) -> bool {
    scenario.demand.iter().any(|demand| {
        let endless = matches!(demand.shape, Arrivals::Backlog { from } if from <= scenario.origin);
        endless && demand.priority == Some(c)
    })
}

fn granted(scenario: &Scenario, log: &[Record], c: Priority) -> Vec<i128> {
    let mut granted = vec![0; scenario.windows as usize];
    for record in log {
        if let Record::Grant { priority, permits, window, .. } = record
            && *priority == c
        {
            granted[*window as usize] += i128::from(permits.get());
        }
    }
    granted
}
