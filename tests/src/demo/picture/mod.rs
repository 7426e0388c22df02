//! The picture of the rounds, side by side on the same scales: arrivals in each window, and how long requests waited.

mod style;

mod panel;

use std::path::Path;

use plotters::prelude::*;

use super::measurements::Measurements;
use super::plan::{Cast, Plan};
use super::text::duration;
use panel::Scale;
use style::{Area, COLOURS, GOOD, INK, LABEL, THROTTLED, THROTTLED_FILL, text, write, write_right};

/// The width of one round, and the height of the picture, in pixels.
const ROUND_SIZE: (u32, u32) = (640, 800);
/// Where the rounds start below the title and the legend.
const HEAD: u32 = 92;
/// Where the legend starts, and how far its rows are apart.
const LEGEND: (i32, i32) = (28, 68);
const LEGEND_ROW: i32 = 24;
/// Where the panels of a round start below its name.
const ROUND_HEAD: u32 = 60;
/// The height of the upper panel.
const UPPER: u32 = 330;
/// The height of the line above the lower panel.
const LOWER_HEAD: u32 = 34;
/// Where lines of a round end.
const RIGHT: i32 = 616;

/// Draws rounds with their names into an SVG file.
///
/// # Errors
///
/// If it cannot be drawn or written; names the file.
pub fn draw(file: &Path, plan: &Plan, rounds: &[(&str, &Measurements)]) -> Result<(), String> {
    let svg = paint(plan, rounds)?;
    std::fs::write(file, svg).map_err(|error| format!("{}: {error}", file.display()))
}

fn paint(plan: &Plan, rounds: &[(&str, &Measurements)]) -> Result<String, String> {
    let mut svg = String::new();
    let columns = rounds.len().max(1);
    let across = ROUND_SIZE.0 * u32::try_from(columns).map_err(text)?;
    let entries = entries(plan.cast, across);
    let more_rows = entries.last().map_or(0, |last| last.place.1 - LEGEND.1).unsigned_abs();
    let size = (across, ROUND_SIZE.1 + more_rows);
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(text)?;
        let title = format!(
            "{}: {} requests every {} s",
            plan.cast.title(),
            plan.rules.limit,
            plan.rules.window_ms as f64 / 1000.0
        );
        write(&root, &title, 25, (28, 28), INK)?;
        legend(&root, &entries)?;
        let (_, body) = root.split_vertically(HEAD + more_rows);
        let scale = Scale::of(plan, rounds.iter().map(|(_, measured)| *measured));
        for (area, (name, measured)) in body.split_evenly((1, columns)).iter().zip(rounds) {
            round(area, name, measured, &scale)?;
        }
        root.present().map_err(text)?;
    }
    Ok(svg)
}

/// One entry of the legend, and where its mark starts.
struct Entry {
    name: String,
    fill: RGBColor,
    edge: RGBColor,
    place: (i32, i32),
}

/// The entries of the legend, in as many rows as the width needs. The last one is the limit, which is a line.
fn entries(cast: Cast, across: u32) -> Vec<Entry> {
    let teams = cast.services().iter().zip(COLOURS).map(|(service, colour)| {
        let weight = (service.workers > 0).then(|| format!("weight {}", service.weight));
        let features = match cast {
            Cast::Departments => {
                [Some(service.priority.to_lowercase()), weight].into_iter().flatten().collect()
            }
            Cast::Languages => Vec::from_iter(weight),
        };
        (format!("{} ({})", service.team, features.join(", ")), colour, colour)
    });
    let others = [("throttled (429)".into(), THROTTLED_FILL, THROTTLED), ("limit".into(), INK, INK)];
    let (mut x, mut y) = LEGEND;
    let entries = teams.chain(others).map(|(name, fill, edge)| {
        let wide = 28 + width(&name);
        if x + wide > i32::try_from(across).unwrap_or(i32::MAX) {
            (x, y) = (LEGEND.0, y + LEGEND_ROW);
        }
        let place = (x, y);
        x += wide + 16;
        Entry { name, fill, edge, place }
    });
    entries.collect()
}

fn legend(root: &Area<'_>, entries: &[Entry]) -> Result<(), String> {
    let Some((limit, teams)) = entries.split_last() else { return Ok(()) };
    for Entry { fill, edge, place: (x, y), .. } in teams {
        let mark = [(*x, y - 8), (x + 20, y + 8)];
        root.draw(&Rectangle::new(mark, fill.filled())).map_err(text)?;
        root.draw(&Rectangle::new(mark, edge.stroke_width(1))).map_err(text)?;
    }
    let (x, y) = limit.place;
    root.draw(&PathElement::new([(x, y), (x + 20, y)], limit.edge.stroke_width(3))).map_err(text)?;
    entries
        .iter()
        .try_for_each(|Entry { name, place: (x, y), .. }| write(root, name, LABEL, (x + 28, *y), INK))
}

/// About how wide a label is, in pixels.
fn width(label: &str) -> i32 {
    i32::try_from(label.chars().count()).unwrap_or(100) * 8
}

fn round(area: &Area<'_>, name: &str, measured: &Measurements, scale: &Scale) -> Result<(), String> {
    let throttled: u64 = measured.windows.iter().map(|window| window.throttled).sum();
    let (line, colour) = if throttled > 0 {
        (format!("{throttled} throttled (429)"), THROTTLED)
    } else {
        ("none throttled".into(), GOOD)
    };
    write(area, name, 21, (28, 18), INK)?;
    write(area, &line, 18, (28, 44), colour)?;
    let used = measured.utilisation().0 * 100.0;
    let accepted = format!("{} accepted: {used:.1} % of the limit", measured.all_accepted());
    write_right(area, &accepted, 18, (RIGHT, 44), INK)?;
    let (_, panels) = area.split_vertically(ROUND_HEAD);
    let (upper, lower) = panels.split_vertically(UPPER);
    panel::arrivals(&upper, measured, scale)?;
    write(&lower, &caption(measured, scale.cast), 18, (28, 20), INK)?;
    let unserved: usize = scale.cast.watched().iter().map(|&team| measured.unserved(team)).sum();
    if unserved > 0 {
        let line = format!("\u{25cf} {unserved} unserved at the end");
        write_right(&lower, &line, LABEL, (RIGHT, 20), THROTTLED)?;
    }
    panel::waits(&lower.split_vertically(LOWER_HEAD).1, measured, scale)
}

/// What the lower panel shows.
fn caption(measured: &Measurements, cast: Cast) -> String {
    let [team] = cast.watched() else { return "how long requests waited, by language".into() };
    let [p50, p99] = [500, 990].map(|of| measured.wait_s(*team, of).map_or("-".into(), duration));
    format!("{} waited {p50} (p50), {p99} (p99)", cast.services()[*team].team)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::measurements::{Wait, WindowCount};
    use crate::provider::Rules;

    #[test]
    fn no_entry_of_the_legend_is_cut_off() {
        for (cast, across, rows) in
            [(Cast::Departments, 1280, 1), (Cast::Departments, 640, 3), (Cast::Languages, 640, 2)]
        {
            let entries = entries(cast, across);
            let ends = entries.iter().map(|entry| entry.place.0 + 28 + width(&entry.name));
            assert!(ends.max().is_some_and(|end| end <= across.cast_signed()));
            let last = entries.last().map(|entry| entry.place.1);
            assert_eq!(last, Some(LEGEND.1 + (rows - 1) * LEGEND_ROW), "{cast:?} in {across}");
        }
    }

    #[test]
    fn the_picture_shows_throttled_requests_where_there_are_any() {
        let plan = Plan::new(Cast::Departments, Rules::default(), 20);
        let round = |throttled| Measurements {
            windows: vec![WindowCount { limit: 166, accepted: vec![16, 60, 30, 60], throttled }; 2],
            throttled,
            waits: vec![
                vec![Wait { issued_s: 1.0, waited_s: 0.003, is_accepted: true }],
                vec![],
                vec![],
                vec![],
            ],
        };
        let svg = paint(&plan, &[("Each on its own", &round(77)), ("With", &round(0))]).expect("a picture");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("154 throttled (429)") && svg.contains("none throttled"), "{svg}");
        assert_eq!(svg.matches("\n+77\n").count(), 2, "one label in each window");
        assert_eq!(svg.matches("<circle").count(), 2, "one request waited in each round");
    }
}
