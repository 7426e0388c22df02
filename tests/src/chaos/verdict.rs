//! What each scenario must show, and whether it did.

use std::collections::BTreeMap;
use std::time::Duration;

use super::names::SeenError;
use super::resources::Resources;
use super::trial::Trial;
use crate::provider::Report;
use crate::provider::report::Window;

/// Least use of windows without faults, in permille, and where the machine is busy with other things.
const USE_PERMILLE: (u64, u64) = (990, 900);
/// How much longer everything may take on such a machine.
const SLACK: Duration = Duration::from_secs(2);
/// How much more than before the faults a node may hold: file handles, sockets, and KiB of memory.
const MORE: (u64, u64, u64) = (24, 24, 48 << 10);

/// What a scenario must keep to; what is `None` is shown and not judged.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The longest time to the next grant.
    pub next: Option<Duration>,
    /// Most permits of one window that may be lost, in percent of it.
    pub wasted_percent: Option<u64>,
    /// Most errors that clients may see.
    pub errors: Option<usize>,
    /// Least use of windows without faults, in permille.
    pub least_use_permille: u64,
}

impl Target {
    /// The next grant within this time, and nothing else.
    pub(super) const fn within(ms: u64) -> Self {
        let next = Some(Duration::from_millis(ms));
        Self { next, wasted_percent: None, errors: None, least_use_permille: USE_PERMILLE.0 }
    }

    /// The same for a machine that is busy with other things: what is a matter of safety stays, what is one of time has slack.
    #[must_use]
    pub fn on_a_busy_machine(self) -> Self {
        let next = self.next.map(|next| next * 2 + SLACK);
        Self { next, wasted_percent: None, least_use_permille: USE_PERMILLE.1, ..self }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// The scenario.
    pub name: String,
    /// How many faults.
    pub runs: usize,
    /// The times to the next grant, shortest first.
    pub next: Vec<Duration>,
    /// Permits lost of the worst window.
    pub wasted: Option<u64>,
    /// Arrivals above a limit, or throttled.
    pub over: u64,
    /// Errors that clients saw, by name.
    pub errors: BTreeMap<String, usize>,
    /// Windows without a fault during the scenario, and how much of them was used, in permille.
    pub calm: Option<(usize, u64)>,
    /// What is missed.
    pub missed: Vec<String>,
}

/// Judges trials by the provider's count and what clients saw.
pub fn judge(
    trials: &[(Trial, Target)],
    report: &Report,
    errors: &[SeenError],
    before: Resources,
) -> Vec<Row> {
    let windows: BTreeMap<u64, Window> =
        report.windows.iter().map(|window| (window.start_ns, window.clone())).collect();
    let is_calm = |window: &&Window| !trials.iter().any(|(trial, _)| trial.touches(window));
    let row = |(trial, target): &(Trial, Target)| {
        let calm = windows
            .values()
            .filter(|window| trial.contains(window.start_ns) && trial.contains(window.end_ns));
        let calm: Vec<_> = calm.filter(is_calm).collect();
        let mut counts = BTreeMap::new();
        for (_, name) in errors.iter().filter(|(at, _)| trial.contains(*at)) {
            *counts.entry(name.clone()).or_default() += 1;
        }
        let mut next = trial.next.clone();
        next.sort();
        let mut row = Row {
            name: trial.name.clone(),
            runs: trial.runs(),
            next,
            wasted: trial.wasted(&windows),
            over: trial.over(&windows),
            errors: counts,
            calm: (!calm.is_empty()).then(|| (calm.len(), used_permille(&calm))),
            missed: Vec::new(),
        };
        row.missed = missed(&row, target, &windows, held_too_much(before, trial.resources));
        row
    };
    trials.iter().map(row).collect()
}

/// How much of windows was used, in permille, rounded down.
fn used_permille(windows: &[&Window]) -> u64 {
    let limit: u64 = windows.iter().map(|window| window.limit).sum();
    windows.iter().map(|window| window.tally.accepted).sum::<u64>() * 1_000 / limit.max(1)
}

fn missed(row: &Row, target: &Target, windows: &BTreeMap<u64, Window>, held: Vec<String>) -> Vec<String> {
    let mut missed = held;
    if row.over > 0 {
        missed.push(format!("{} arrivals above a limit", row.over));
    }
    let slowest = row.next.last().copied().unwrap_or_default();
    if let Some(most) = target.next.filter(|most| slowest > *most) {
        missed.push(format!("the next grant took {slowest:.1?}, at most {most:?}"));
    }
    let limit = windows.values().map(|window| window.limit).max().unwrap_or_default();
    if let (Some(percent), Some(wasted)) = (target.wasted_percent, row.wasted)
        && wasted * 100 > limit * percent
    {
        missed.push(format!("{wasted} of {limit} permits lost, at most {percent} %"));
    }
    let seen: usize = row.errors.values().sum();
    if target.errors.is_some_and(|most| seen > most) {
        missed.push(format!("clients saw errors: {:?}", row.errors));
    }
    if let Some((count, permille)) = row.calm.filter(|(_, permille)| *permille < target.least_use_permille) {
        missed.push(format!("{permille} permille of {count} windows without faults used"));
    }
    missed
}

/// What a node holds that it did not hold before.
fn held_too_much(before: Resources, now: Resources) -> Vec<String> {
    let each = [
        ("file handles", before.handles, now.handles, MORE.0),
        ("sockets", before.sockets, now.sockets, MORE.1),
        ("KiB of memory", before.memory_kib, now.memory_kib, MORE.2),
    ];
    let grown = each.into_iter().filter(|(_, before, now, more)| *now > before + more);
    grown.map(|(what, before, now, _)| format!("{now} {what} held, {before} before")).collect()
}

impl Row {
    /// A percentile of the times to the next grant, in milliseconds; the next higher one that was measured.
    pub fn next_ms(&self, percent: usize) -> Option<u128> {
        let place = (self.next.len() * percent).div_ceil(100).saturating_sub(1);
        self.next.get(place).map(Duration::as_millis)
    }
}
