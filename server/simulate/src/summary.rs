//! What came out of a run, in numbers: by window and team, and against the exact shares.

use crate::decimal::seconds;
use crate::read::Trial;
use crate::shares::{Shares, shares};
use crate::tally::{Tally, index, offset_of};
use crate::wanted::{BACKLOG, Wanted, wanted};
use crate::waterfill::PERMIT;
use apportion_core::scenario::Record;
use apportion_core::time::Span;
use serde::Serialize;
use serde_json::Number;
use std::collections::BTreeMap;

/// The summary of one scenario. Its keys are stable: new ones may be added.
#[derive(Serialize)]
pub struct Summary {
    /// The scenario's `id`.
    pub(crate) id: String,
    /// The scenario's `about`.
    pub(crate) about: String,
    /// The length of a window, in seconds.
    pub(crate) window_s: Number,
    /// Permits granted of those that there were, from 0 to 1.
    pub(crate) utilisation: f64,
    /// Jain's index of granted permits per exact share, over the teams that could not have all they wanted; 1 is exact,
    /// none where no team had to share.
    pub(crate) jain: Option<f64>,
    /// How many teams that index is over.
    pub(crate) contended_teams: usize,
    /// Where a team was farthest from its exact share.
    pub(crate) largest_distance: Option<Distance>,
    /// The windows, in order.
    pub(crate) windows: Vec<WindowSummary>,
}

/// How far a team was from its exact share in a window.
#[derive(Clone, Serialize)]
pub(crate) struct Distance {
    /// Permits above or below.
    pub(crate) permits: f64,
    /// The team.
    pub(crate) team: String,
    /// In which window.
    pub(crate) window: u32,
    /// Its net grants there.
    pub(crate) granted: i64,
    /// Its exact share there.
    pub(crate) exact: f64,
}

/// One window.
#[derive(Serialize)]
pub(crate) struct WindowSummary {
    /// Its number.
    pub(crate) window: u32,
    /// When it starts, in seconds.
    pub(crate) start_s: Number,
    /// The permits that there were.
    pub(crate) budget: u64,
    /// Net grants of all teams.
    pub(crate) granted: i64,
    /// Permits granted of those that there were, from 0 to 1.
    pub(crate) utilisation: f64,
    /// The teams without child teams, in order of definition.
    pub(crate) teams: Vec<Cell>,
}

/// One team in one window.
#[derive(Serialize)]
pub(crate) struct Cell {
    /// The team.
    pub(crate) team: String,
    /// Permits of the requests that waited at the start of the window or came before its guard; `None` for a backlog.
    pub(crate) asked: Option<u64>,
    /// Permits granted, less those that came back.
    pub(crate) granted: i64,
    /// The exact share by water-filling.
    pub(crate) exact: f64,
    /// Requests refused.
    pub(crate) refused: u32,
    /// How long its grants had waited.
    #[serde(flatten)]
    pub(crate) waited: Waited,
}

/// How long granted requests had waited, by nearest rank; none where none was granted.
#[derive(Default, Serialize)]
pub(crate) struct Waited {
    /// The median.
    pub(crate) waited_p50_s: Option<Number>,
    /// The 99th percentile.
    pub(crate) waited_p99_s: Option<Number>,
}

/// The waits of grants and the counts of refusals, by team and window.
#[derive(Default)]
struct Answers {
    waits: BTreeMap<(usize, u32), Vec<Span>>,
    refused: BTreeMap<(usize, u32), u32>,
}

/// Sums up a run.
pub(crate) fn summary(trial: &Trial, tally: &Tally<'_>) -> Summary {
    let wanted = wanted(tally);
    let shares = shares(tally, &wanted);
    let mut answers = Answers::of(tally);
    let leaves = leaves(tally);
    let windows: Vec<_> = (0..trial.scenario.windows)
        .map(|window| sum_window(tally, window, &leaves, (&wanted, &shares), &mut answers))
        .collect();
    let granted: i64 = windows.iter().map(|window| window.granted).sum();
    let budget = windows.iter().map(|window| window.budget).sum();
    let ratios = ratios(tally, &leaves, &wanted, &shares);
    Summary {
        id: trial.id.clone(),
        about: trial.about.clone(),
        window_s: number(offset_of(&trial.scenario, 1)),
        utilisation: part_of(granted, budget),
        jain: jain(&ratios),
        contended_teams: ratios.len(),
        largest_distance: largest_distance(&windows),
        windows,
    }
}

/// The teams that never have child teams.
pub(crate) fn leaves(tally: &Tally<'_>) -> Vec<usize> {
    let mut whole = vec![false; tally.teams.len()];
    for parent in tally.parents.iter().flatten() {
        whole[*parent] = true;
    }
    (0..tally.teams.len()).filter(|&team| !whole[team]).collect()
}

impl Answers {
    fn of(tally: &Tally<'_>) -> Self {
        let mut answers = Self::default();
        for moved in &tally.moves {
            if let Some(waited) = moved.waited {
                answers.waits.entry((moved.team, moved.window)).or_default().push(waited);
            }
        }
        let length = offset_of(tally.scenario, 1);
        for record in tally.records {
            let Record::Reject { at, team, .. } = record else { continue };
            let window = u32::try_from(tally.offset_ns(*at).max(0) / length).unwrap_or(0);
            if let Some(team) = tally.place(team.as_str()) {
                *answers.refused.entry((team, window)).or_default() += 1;
            }
        }
        answers
    }

    fn waited(&mut self, team: usize, window: u32) -> Waited {
        let Some(mut waits) = self.waits.remove(&(team, window)) else { return Waited::default() };
        waits.sort_unstable();
        let rank = |percent: usize| waits[(waits.len() * percent).div_ceil(100).max(1) - 1];
        let seconds = |percent| Some(number(rank(percent).as_ns().into()));
        Waited { waited_p50_s: seconds(50), waited_p99_s: seconds(99) }
    }
}

fn sum_window(
    tally: &Tally<'_>,
    window: u32,
    leaves: &[usize],
    (wanted, shares): (&Wanted, &Shares),
    answers: &mut Answers,
) -> WindowSummary {
    let (granted, budget) = (tally.total(window), shares.capacity[index(window)]);
    let mut cell = |&team: &usize| Cell {
        team: tally.teams[team].to_string(),
        asked: Some(wanted.of(team, window)).filter(|&permits| permits != BACKLOG),
        granted: tally.alone(team, window),
        exact: permits(shares.of(team, window)),
        refused: answers.refused.get(&(team, window)).copied().unwrap_or(0),
        waited: answers.waited(team, window),
    };
    WindowSummary {
        window,
        start_s: number(offset_of(tally.scenario, window)),
        budget,
        granted,
        utilisation: part_of(granted, budget),
        teams: leaves.iter().map(&mut cell).collect(),
    }
}

/// What each team was granted per permit of its exact share, over the windows in which it could not have all it wanted.
fn ratios(tally: &Tally<'_>, leaves: &[usize], wanted: &Wanted, shares: &Shares) -> Vec<f64> {
    let ratio = |&team: &usize| {
        let contended = |&window: &u32| {
            let (want, share) = (wanted.of(team, window), shares.of(team, window));
            share > 0 && (want == BACKLOG || u128::from(want) * PERMIT > share)
        };
        let (mut granted, mut exact) = (0, 0);
        for window in (0..tally.scenario.windows).filter(contended) {
            granted += tally.alone(team, window);
            exact += shares.of(team, window);
        }
        (exact > 0).then(|| granted as f64 / permits(exact))
    };
    leaves.iter().filter_map(ratio).collect()
}

/// (Σx)² / (n · Σx²): 1 where all are equal, 1/n where one has everything.
fn jain(ratios: &[f64]) -> Option<f64> {
    let (sum, squares) = ratios.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    (ratios.len() > 1 && squares > 0.0).then(|| sum * sum / (ratios.len() as f64 * squares))
}

fn largest_distance(windows: &[WindowSummary]) -> Option<Distance> {
    let of_cell = |window: u32, cell: &Cell| Distance {
        permits: (cell.granted as f64 - cell.exact).abs(),
        team: cell.team.clone(),
        window,
        granted: cell.granted,
        exact: cell.exact,
    };
    let mut largest: Option<Distance> = None;
    for window in windows {
        for cell in &window.teams {
            let distance = (cell.granted as f64 - cell.exact).abs();
            if largest.as_ref().is_none_or(|largest| distance > largest.permits) {
                largest = Some(of_cell(window.window, cell));
            }
        }
    }
    largest
}

/// For people: rounded to a thousandth of a permit. Comparisons use the exact value.
fn permits(exact: u128) -> f64 {
    let thousandths = (exact * 1000 + PERMIT / 2) / PERMIT;
    thousandths as f64 / 1000.0
}

fn part_of(granted: i64, budget: u64) -> f64 {
    if budget == 0 { 0.0 } else { granted as f64 / budget as f64 }
}

fn number(ns: i128) -> Number {
    Number::from_string_unchecked(seconds(ns))
}
