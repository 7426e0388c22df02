//! The picture of both halves, side by side on the same scales: what arrived in each window, and how long the support desk waited.

mod panel;

use std::fmt::Display;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figures::Figures;
use super::plan::{CAST, Plan, SUPPORT, TEAMS};
use super::table::duration;
use panel::Scale;

/// The width of one half, and the height of the picture, in pixels.
const HALF: (u32, u32) = (640, 800);
/// Where the halves begin below the title and the legend.
const HEAD: u32 = 92;
/// Where the panels of a half begin below its name.
const HALF_HEAD: u32 = 60;
/// The height of the upper panel, and of the line above the lower one.
const UPPER: u32 = 330;
const LOWER_HEAD: u32 = 34;

/// Where lines of a half end.
const RIGHT: i32 = 616;
/// The size of labels.
const LABEL: u32 = 16;

const INK: RGBColor = RGBColor(40, 44, 52);
const PALE: RGBColor = RGBColor(226, 229, 233);
const REFUSED: RGBColor = RGBColor(200, 30, 30);
const GOOD: RGBColor = RGBColor(40, 125, 75);
const REFUSED_FILL: RGBColor = RGBColor(247, 205, 203);
/// One colour for each team.
const COLOURS: [RGBColor; TEAMS] =
    [RGBColor(54, 88, 150), RGBColor(89, 161, 119), RGBColor(237, 183, 72), RGBColor(178, 184, 193)];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws halves with their names into an SVG file.
///
/// # Errors
///
/// If it cannot be drawn or written; names the file.
pub fn draw(file: &Path, plan: &Plan, halves: &[(&str, &Figures)]) -> Result<(), String> {
    let svg = paint(plan, halves)?;
    std::fs::write(file, svg).map_err(|error| format!("{}: {error}", file.display()))
}

fn paint(plan: &Plan, halves: &[(&str, &Figures)]) -> Result<String, String> {
    let mut svg = String::new();
    let columns = halves.len().max(1);
    let size = (HALF.0 * u32::try_from(columns).map_err(text)?, HALF.1);
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(text)?;
        let title = format!(
            "Four services, one budget: {} requests in every {} s",
            plan.rules.limit,
            plan.rules.window_ms as f64 / 1000.0
        );
        write(&root, &title, 25, (28, 28), INK)?;
        legend(&root)?;
        let (_, body) = root.split_vertically(HEAD);
        let scale = Scale::of(plan, halves.iter().map(|(_, figures)| *figures));
        for (area, (name, figures)) in body.split_evenly((1, columns)).iter().zip(halves) {
            half(area, name, figures, &scale)?;
        }
        root.present().map_err(text)?;
    }
    Ok(svg)
}

fn text(error: impl Display) -> String {
    error.to_string()
}

fn style(size: u32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}

/// Writes a line that begins at a place, which is in the middle of its height.
fn write(area: &Area<'_>, line: &str, size: u32, at: (i32, i32), colour: RGBColor) -> Result<(), String> {
    area.draw_text(line, &style(size, colour).pos(Pos::new(HPos::Left, VPos::Center)), at).map_err(text)
}

fn legend(root: &Area<'_>) -> Result<(), String> {
    let (mut x, y) = (28, 68);
    let teams = CAST.iter().zip(COLOURS).map(|(role, colour)| {
        let weight = if role.workers > 0 { format!(", weight {}", role.weight) } else { String::new() };
        (format!("{} ({}{weight})", role.team, role.priority.to_lowercase()), colour, colour)
    });
    for (name, fill, edge) in teams.chain([("answered with 429".into(), REFUSED_FILL, REFUSED)]) {
        let place = [(x, y - 8), (x + 20, y + 8)];
        root.draw(&Rectangle::new(place, fill.filled())).map_err(text)?;
        root.draw(&Rectangle::new(place, edge.stroke_width(1))).map_err(text)?;
        write(root, &name, LABEL, (x + 28, y), INK)?;
        x += 28 + width(&name) + 16;
    }
    root.draw(&PathElement::new([(x, y), (x + 20, y)], INK.stroke_width(3))).map_err(text)?;
    write(root, "limit", LABEL, (x + 28, y), INK)
}

/// About how wide a label is, in pixels.
fn width(label: &str) -> i32 {
    i32::try_from(label.chars().count()).unwrap_or(100) * 8
}

fn half(area: &Area<'_>, name: &str, figures: &Figures, scale: &Scale) -> Result<(), String> {
    let throttled: u64 = figures.windows.iter().map(|window| window.throttled).sum();
    let (refused, colour) = if throttled > 0 {
        (format!("{throttled} answered with 429"), REFUSED)
    } else {
        ("no 429".into(), GOOD)
    };
    write(area, name, 21, (28, 18), INK)?;
    write(area, &refused, 18, (28, 44), colour)?;
    let used = figures.utilisation().0 * 100.0;
    let through = format!("{} got through: {used:.1} % of the limit", figures.all_through());
    area.draw_text(&through, &style(18, INK).pos(Pos::new(HPos::Right, VPos::Center)), (RIGHT, 44))
        .map_err(text)?;
    let (_, panels) = area.split_vertically(HALF_HEAD);
    let (upper, lower) = panels.split_vertically(UPPER);
    panel::arrivals(&upper, figures, scale)?;
    let waits = [500, 990].map(|of| figures.wait_s(SUPPORT, of).map_or("-".into(), duration));
    let waited = format!("support waited {} (p50), {} (p99)", waits[0], waits[1]);
    write(&lower, &waited, 18, (28, 20), INK)?;
    let in_vain = figures.in_vain(SUPPORT);
    if in_vain > 0 {
        let line = format!("\u{25cf} {in_vain} not served by the end");
        let right = style(LABEL, REFUSED).pos(Pos::new(HPos::Right, VPos::Center));
        lower.draw_text(&line, &right, (RIGHT, 20)).map_err(text)?;
    }
    panel::waits(&lower.split_vertically(LOWER_HEAD).1, figures, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::figures::{Counted, Wait};
    use crate::provider::Rules;

    #[test]
    fn what_was_throttled_is_in_the_picture_and_what_was_not_is_not() {
        let plan = Plan::new(Rules::default(), 20);
        let half = |throttled| Figures {
            windows: vec![Counted { limit: 166, through: [16, 60, 30, 60], throttled }; 2],
            throttled,
            waits: [vec![Wait { at_s: 1.0, waited_s: 0.003, through: true }], vec![], vec![], vec![]],
        };
        let svg = paint(&plan, &[("each on its own", &half(77)), ("with", &half(0))]).expect("a picture");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("154 answered with 429") && svg.contains("no 429"), "{svg}");
        assert_eq!(svg.matches("\n+77\n").count(), 2, "one label in each window");
        assert_eq!(svg.matches("<circle").count(), 2, "one request waited in each half");
    }
}
