//! The human-readable summary: a table of teams by window, and three lines on how well the budget was shared.

use crate::summary::{Cell, Distance, Summary, WindowSummary};
use std::fmt::Write;

/// Most lines of a table; longer runs are folded into spans of windows.
const LINES_MAX: usize = 60;
/// Most teams in a table; the others are one line.
const TEAMS_MAX: usize = 24;
/// The columns and whether each is aligned to the right.
const COLUMNS: [(&str, bool); 9] = [
    ("window", false),
    ("team", false),
    ("asked", true),
    ("granted", true),
    ("exact share", true),
    ("off by", true),
    ("waited p50", true),
    ("waited p99", true),
    ("refused", true),
];

type Row = [String; COLUMNS.len()];

impl Summary {
    /// The summary as a human-readable table.
    pub fn table(&self) -> String {
        text(self)
    }
}

fn text(summary: &Summary) -> String {
    let mut text = format!("{}\n", summary.id);
    if summary.about != summary.id && !summary.about.is_empty() {
        let _ = writeln!(text, "{}", summary.about);
    }
    let count = summary.windows.len();
    let budgets = range(summary.windows.iter().map(|window| window.budget));
    let length = summary.window_s.to_string();
    let length = length.trim_end_matches(".0");
    let windows = if count == 1 { "window" } else { "windows" };
    let _ = writeln!(text, "{count} {windows} of {length} s, {budgets} permits each\n");
    text += &table(&groups(summary));
    text.push('\n');
    text + &verdict(summary)
}

fn range(numbers: impl Iterator<Item = u64> + Clone) -> String {
    let (least, most) = (numbers.clone().min().unwrap_or(0), numbers.max().unwrap_or(0));
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// The rows of the table, those of one span of windows together.
fn groups(summary: &Summary) -> Vec<Vec<Row>> {
    let teams = summary.windows.first().map_or(0, |window| window.teams.len()).clamp(1, TEAMS_MAX);
    let spans = (LINES_MAX / teams).clamp(1, summary.windows.len().max(1));
    summary.windows.chunks(summary.windows.len().div_ceil(spans).max(1)).map(group).collect()
}

fn group(span: &[WindowSummary]) -> Vec<Row> {
    let label = match span {
        [only] => only.window.to_string(),
        [first, .., last] => format!("{}\u{2013}{}", first.window, last.window),
        [] => String::new(),
    };
    let count = span.first().map_or(0, |window| window.teams.len());
    let shown = if count > TEAMS_MAX { TEAMS_MAX - 1 } else { count };
    let mut rows: Vec<_> = (0..shown).map(|team| row(span, team..team + 1)).collect();
    if shown < count {
        rows.push(row(span, shown..count));
    }
    if let Some(first) = rows.first_mut() {
        first[0] = label;
    }
    rows
}

/// One line: a span of windows and a range of teams.
fn row(span: &[WindowSummary], teams: std::ops::Range<usize>) -> Row {
    let cells = || span.iter().flat_map(|window| &window.teams[teams.clone()]);
    let granted: i64 = cells().map(|cell| cell.granted).sum();
    let exact: f64 = cells().map(|cell| cell.exact).sum();
    let refused: u64 = cells().map(|cell| u64::from(cell.refused)).sum();
    let asked = if cells().any(|cell| cell.asked.is_none()) {
        "backlog".into()
    } else {
        most_or_only(cells(), span.len() > 1 || teams.len() > 1)
    };
    let name = match span.first().map(|window| &window.teams[teams.clone()]) {
        Some([only]) => only.team.clone(),
        Some(others) => format!("{} other teams", others.len()),
        None => String::new(),
    };
    let off = granted as f64 - exact;
    [
        String::new(),
        name,
        asked,
        granted.to_string(),
        format!("{exact:.1}"),
        if off.abs() < 0.05 { "\u{b7}".into() } else { format!("{off:+.1}") },
        wait(cells().filter_map(|cell| seconds(cell.waited.waited_p50_s.as_ref()?)), false),
        wait(cells().filter_map(|cell| seconds(cell.waited.waited_p99_s.as_ref()?)), true),
        if refused == 0 { "\u{b7}".into() } else { refused.to_string() },
    ]
}

/// Waiting permits are counted in each window, so a sum over windows would count them twice: the maximum is shown.
fn most_or_only<'a>(cells: impl Iterator<Item = &'a Cell>, folded: bool) -> String {
    let most = cells.filter_map(|cell| cell.asked).max().unwrap_or(0);
    match (most, folded) {
        (0, _) => "\u{b7}".into(),
        (most, true) => format!("\u{2264} {most}"),
        (most, false) => most.to_string(),
    }
}

fn seconds(number: &serde_json::Number) -> Option<f64> {
    number.to_string().parse().ok()
}

/// The median or the worst of the windows.
fn wait(seconds: impl Iterator<Item = f64>, worst: bool) -> String {
    let mut all: Vec<_> = seconds.collect();
    all.sort_by(f64::total_cmp);
    let place = if worst { all.len().saturating_sub(1) } else { all.len().saturating_sub(1) / 2 };
    all.get(place).map_or("\u{b7}".into(), |&seconds| duration(seconds))
}

/// A duration in a suitable unit.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".into(),
        s if s < 0.001 => format!("{:.0} \u{b5}s", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 100.0 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

fn table(groups: &[Vec<Row>]) -> String {
    let rows = || groups.iter().flatten();
    let width = |column: usize| {
        let cells = rows().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(COLUMNS[column].0.chars().count())
    };
    let widths: Vec<_> = (0..COLUMNS.len()).map(width).collect();
    let rule = "\u{2500}".repeat(widths.iter().sum::<usize>() + 2 * (COLUMNS.len() - 1));
    let titles = COLUMNS.map(|(title, _)| title.to_string());
    let mut text = format!("{}\n", line(&titles, &widths));
    for group in groups {
        let _ = writeln!(text, "{rule}");
        for row in group {
            let _ = writeln!(text, "{}", line(row, &widths));
        }
    }
    text
}

fn line(row: &Row, widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).zip(COLUMNS).map(|((cell, &width), (_, right))| {
        if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
}

fn verdict(summary: &Summary) -> String {
    let least = summary.windows.iter().min_by(|a, b| a.utilisation.total_cmp(&b.utilisation));
    let mut text = format!("utilisation       {:.1} % of all permits", summary.utilisation * 100.0);
    if let Some(least) = least.filter(|least| least.utilisation < 0.9995) {
        let _ = write!(text, "; least in window {}: {:.1} %", least.window, least.utilisation * 100.0);
    }
    text.push('\n');
    let _ = match summary.jain {
        Some(jain) => writeln!(
            text,
            "Jain index        {jain:.4} of granted per exact share, over {} contended teams (1 is exact)",
            summary.contended_teams
        ),
        None => writeln!(text, "Jain index        none: fewer than two teams had to share"),
    };
    text + &distance(summary.largest_distance.as_ref())
}

fn distance(largest: Option<&Distance>) -> String {
    match largest {
        Some(Distance { permits, team, window, granted, exact }) if *permits >= 0.05 => format!(
            "largest distance  {permits:.1} permits: {team} in window {window} got {granted}, its exact share is {exact:.1}\n"
        ),
        _ => "largest distance  none: every team got exactly its share in every window\n".into(),
    }
}
