//! What a picture of a run shows, in seconds and permits, before anything is drawn.

use crate::summary::leaves;
use crate::tally::{Move, Tally, budgets, index, offset_of};
use apportion_core::priority::Priority;
use apportion_core::scenario::Record;
use std::collections::BTreeMap;

/// Columns of a picture over all its windows.
const COLUMNS: u32 = 1000;

/// A point: seconds, and permits or seconds.
type Point = (f64, f64);

/// All that is drawn.
pub(crate) struct Picture {
    /// The teams, bottom first.
    pub(crate) bands: Vec<Band>,
    /// What is held back, the most urgent priority first.
    pub(crate) held: Vec<HoldbackBand>,
    /// The windows.
    pub(crate) windows: Vec<Frame>,
    /// When requests were refused.
    pub(crate) refused: Vec<f64>,
    /// The end of the run.
    pub(crate) end_s: f64,
    /// The largest budget or sum of grants.
    pub(crate) most: f64,
}

/// A team, or all teams that have no colour of their own.
pub(crate) struct Band {
    /// Its name.
    pub(crate) name: String,
    /// For each window in which it got something, the outline of its part.
    pub(crate) areas: Vec<Vec<Point>>,
    /// When it was granted something, and the longest wait of then.
    pub(crate) waits: Vec<Point>,
}

/// What is held back for a priority, below what is held back for those above it.
pub(crate) struct HoldbackBand {
    /// For whom.
    pub(crate) name: String,
    /// For each window the outline; its first two points are the line below which lower priorities stay.
    pub(crate) areas: Vec<Vec<Point>>,
}

/// One window.
pub(crate) struct Frame {
    /// Its start.
    pub(crate) start_s: f64,
    /// The last instant of a grant.
    pub(crate) closes_s: f64,
    /// Its end.
    pub(crate) end_s: f64,
    /// Its budget.
    pub(crate) budget: f64,
}

impl Picture {
    /// The picture of a run with at most so many bands.
    pub(crate) fn of(tally: &Tally<'_>, most_bands: usize) -> Self {
        let windows = frames(tally);
        let end_s = windows.last().map_or(1.0, |window| window.end_s);
        let refused = columns_of(tally, |record| matches!(record, Record::Reject { .. }));
        let (bands, highest) = bands(tally, &windows, most_bands);
        let budget = windows.iter().map(|window| window.budget).fold(1.0, f64::max);
        Self { bands, held: held(tally, &windows), windows, refused, end_s, most: budget.max(highest) }
    }

    /// The longest wait of any request that was granted.
    pub(crate) fn longest_wait_s(&self) -> f64 {
        self.bands.iter().flat_map(|band| &band.waits).map(|&(_, waited)| waited).fold(0.0, f64::max)
    }
}

/// An instant as a label: decimals only in short runs.
pub(crate) fn seconds_of(at_s: f64, end_s: f64) -> String {
    if end_s < 12.0 { format!("{at_s:.1}") } else { format!("{at_s:.0}") }
}

fn frames(tally: &Tally<'_>) -> Vec<Frame> {
    let policy = &tally.scenario.policy;
    let guard = policy.limits[policy.primary_limit()].margins.guard.as_ns();
    let budgets = budgets(tally.scenario);
    let frame = |window: u32| {
        let end = offset_of(tally.scenario, window + 1);
        Frame {
            start_s: seconds(offset_of(tally.scenario, window)),
            closes_s: seconds(end - i128::from(guard)),
            end_s: seconds(end),
            budget: budgets[index(window)] as f64,
        }
    };
    (0..tally.scenario.windows).map(frame).collect()
}

fn seconds(ns: i128) -> f64 {
    ns as f64 / 1e9
}

/// The column of a picture that an instant falls in, as the instant in its middle.
fn column_s(tally: &Tally<'_>, at_ns: i128) -> (i128, f64) {
    let width = (offset_of(tally.scenario, tally.scenario.windows) / i128::from(COLUMNS)).max(1);
    let column = at_ns.max(0) / width;
    (column, seconds(column * width + width / 2))
}

/// The columns with such a record.
fn columns_of(tally: &Tally<'_>, wanted: impl Fn(&Record) -> bool) -> Vec<f64> {
    let mut columns = BTreeMap::new();
    for record in tally.records.iter().filter(|record| wanted(record)) {
        let (Record::Grant { at, .. } | Record::Reject { at, .. } | Record::Return { at, .. }) = record;
        let (column, at_s) = column_s(tally, tally.offset_ns(*at));
        columns.insert(column, at_s);
    }
    columns.into_values().collect()
}

/// The bands by place of team: each of the first teams one of its own, the others one together.
fn bands(tally: &Tally<'_>, frames: &[Frame], most: usize) -> (Vec<Band>, f64) {
    let leaves = leaves(tally);
    let own = if leaves.len() > most { most - 1 } else { leaves.len() };
    let mut by_grants = leaves.clone();
    let total =
        |team: usize| (0..tally.scenario.windows).map(|window| tally.alone(team, window)).sum::<i64>();
    by_grants.sort_by_cached_key(|&team| -total(team));
    by_grants.truncate(own);
    let mut names: Vec<_> = leaves.iter().filter(|team| by_grants.contains(team)).copied().collect();
    let band_of: Vec<_> = (0..tally.teams.len())
        .map(|team| names.iter().position(|&named| named == team).unwrap_or(own))
        .collect();
    let mut bands: Vec<_> = names.drain(..).map(|team| band(tally.teams[team].to_string())).collect();
    if leaves.len() > own {
        bands.push(band(format!("{} other teams", leaves.len() - own)));
    }
    let highest = stack(tally, frames, &band_of, &mut bands);
    add_waits(tally, &band_of, &mut bands);
    (bands, highest)
}

fn band(name: String) -> Band {
    Band { name, areas: Vec::new(), waits: Vec::new() }
}

/// Adds to each band its part of every window: steps from the instant of each column at which something changed.
fn stack(tally: &Tally<'_>, frames: &[Frame], band_of: &[usize], bands: &mut [Band]) -> f64 {
    let mut highest = 0.0_f64;
    let mut of_window: Vec<Vec<&Move>> = vec![Vec::new(); frames.len()];
    for moved in &tally.moves {
        if let Some(moves) = of_window.get_mut(index(moved.window)) {
            moves.push(moved);
        }
    }
    for (frame, moves) in frames.iter().zip(of_window) {
        let steps = steps(tally, &moves, band_of, bands.len());
        highest = steps.iter().map(|(_, sums)| sums.iter().sum::<i64>() as f64).fold(highest, f64::max);
        for (place, band) in bands.iter_mut().enumerate() {
            if steps.iter().any(|(_, sums)| sums[place] > 0) {
                band.areas.push(outline(&steps, place, frame.end_s));
            }
        }
    }
    highest
}

/// What every band had after each column with a change.
fn steps(tally: &Tally<'_>, moves: &[&Move], band_of: &[usize], count: usize) -> Vec<(f64, Vec<i64>)> {
    let (mut steps, mut last): (Vec<(f64, Vec<i64>)>, _) = (Vec::new(), None);
    for moved in moves {
        let at = tally.offset_ns(moved.at);
        let (column, _) = column_s(tally, at);
        if last != Some(column) {
            let sums = steps.last().map_or_else(|| vec![0; count], |(_, sums)| sums.clone());
            steps.push((seconds(at), sums));
            last = Some(column);
        }
        if let (Some((_, sums)), Some(&place)) = (steps.last_mut(), band_of.get(moved.team)) {
            sums[place] += moved.permits;
        }
    }
    steps
}

fn outline(steps: &[(f64, Vec<i64>)], place: usize, end_s: f64) -> Vec<Point> {
    let height = |sums: &[i64]| sums.iter().sum::<i64>() as f64;
    let edge = |upto: usize| {
        let mut points = Vec::new();
        for (step, (from_s, sums)) in steps.iter().enumerate() {
            let until_s = steps.get(step + 1).map_or(end_s, |&(next_s, _)| next_s);
            points.extend([(*from_s, height(&sums[..upto])), (until_s, height(&sums[..upto]))]);
        }
        points
    };
    let mut points = edge(place + 1);
    points.extend(edge(place).into_iter().rev());
    points
}

fn add_waits(tally: &Tally<'_>, band_of: &[usize], bands: &mut [Band]) {
    let mut longest: BTreeMap<(usize, i128), Point> = BTreeMap::new();
    for moved in &tally.moves {
        let (Some(waited), Some(&place)) = (moved.waited, band_of.get(moved.team)) else { continue };
        let (column, at_s) = column_s(tally, tally.offset_ns(moved.at));
        let point = longest.entry((place, column)).or_insert((at_s, 0.0));
        point.1 = point.1.max(seconds(waited.as_ns().into()));
    }
    for ((place, _), point) in longest {
        bands[place].waits.push(point);
    }
}

/// The holdback against lower priorities, from the start of a window down to nothing at its guard.
fn held(tally: &Tally<'_>, frames: &[Frame]) -> Vec<HoldbackBand> {
    let (mut all, mut share) = (Vec::new(), 0.0);
    for priority in Priority::ALL {
        let own = f64::from(tally.scenario.policy.holdback[priority].billionths()) / 1e9;
        if own == 0.0 {
            continue;
        }
        let above = share;
        share += own;
        let area = |frame: &Frame| {
            let left = |share: f64| frame.budget * (1.0 - share).max(0.0);
            vec![(frame.start_s, left(share)), (frame.closes_s, frame.budget), (frame.start_s, left(above))]
        };
        let name = format!("held back for {priority}");
        all.push(HoldbackBand { name, areas: frames.iter().map(area).collect() });
    }
    all
}
