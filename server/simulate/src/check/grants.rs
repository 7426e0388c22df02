//! What was granted to whom: amounts, waits and gaps.

use super::compare::{SLACK, at_seconds, float, unless};
use crate::tally::{Move, Tally};
use apportion_core::scenario::Record;
use apportion_core::time::Timestamp;

pub(super) fn granted(tally: &Tally<'_>, team: &str, caller: Option<&str>, first: u32, last: u32) -> f64 {
    let Some(place) = tally.place(team) else { return 0.0 };
    let Some(caller) = caller else { return float(tally.below(place, first, last)) };
    let of_caller = tally.records.iter().filter_map(|record| match record {
        Record::Grant { team: who, caller: by, window, permits, .. }
            if who.as_str() == team && by.as_str() == caller && (first..=last).contains(window) =>
        {
            Some(i64::from(*permits))
        }
        _ => None,
    });
    float(of_caller.sum())
}

pub(super) fn granted_by(tally: &Tally<'_>, team: &str, at_s: f64) -> f64 {
    let Some(root) = tally.place(team) else { return 0.0 };
    let until = tally
        .moves
        .iter()
        .filter(|moved| at_seconds(tally, moved.at) <= at_s + SLACK && tally.is_below(moved.team, root));
    float(until.map(|moved| moved.permits).sum())
}

/// The grants of a team and all below it: when, in which window, and how long each waited in seconds.
pub(super) fn grants<'a>(
    tally: &'a Tally<'_>,
    team: &str,
) -> impl Iterator<Item = (Timestamp, u32, f64)> + use<'a> {
    let root = tally.place(team);
    let mine = move |moved: &&Move| root.is_some_and(|root| tally.is_below(moved.team, root));
    tally.moves.iter().filter(mine).filter_map(|moved| {
        let waited = moved.waited?;
        Some((moved.at, moved.window, waited.as_ns() as f64 / 1e9))
    })
}

pub(super) fn longest_wait(tally: &Tally<'_>, team: &str, max_s: f64) -> Option<String> {
    match grants(tally, team).map(|(_, _, waited)| waited).reduce(f64::max) {
        None => Some("no grant".into()),
        Some(longest) => unless(longest <= max_s, format!("{longest} s")),
    }
}

pub(super) fn longest_gap(tally: &Tally<'_>, team: &str, max_windows: u32) -> Option<String> {
    let (mut before, mut longest) = (-1, None);
    for (_, window, _) in grants(tally, team) {
        let gap = i64::from(window) - before;
        longest = longest.max(Some(gap));
        before = i64::from(window);
    }
    match longest {
        None => Some("no grant".into()),
        Some(gap) => unless(gap <= i64::from(max_windows), format!("{gap} windows")),
    }
}
