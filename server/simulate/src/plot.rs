//! The picture of a run: who got what of each window over time, what was held back, and how long requests waited.

use crate::fault::SimulateError;
use crate::picture::{Picture, seconds_of};
use crate::read::Trial;
use crate::table::duration;
use crate::tally::Tally;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::fmt::Display;

/// The size of the picture, in pixels.
const SIZE: (u32, u32) = (1200, 760);
/// Where the panels begin below the title; each further line of the legend adds [`LEGEND_LINE`].
const HEAD: i32 = 74;
/// The height of one line of the legend.
const LEGEND_LINE: i32 = 24;
/// Most windows that a picture can show.
const WINDOWS_MAX: u32 = 500;
/// The shortest wait that the picture tells from none, in seconds.
const SHORTEST_WAIT_S: f64 = 0.001;

const INK: RGBColor = RGBColor(40, 44, 52);
const PALE: RGBColor = RGBColor(226, 229, 233);
const HELD: RGBColor = RGBColor(90, 96, 106);
/// What is held back, the most urgent priority first.
const HELD_FILLS: [RGBColor; 3] = [RGBColor(176, 181, 190), RGBColor(212, 215, 221), RGBColor(232, 234, 238)];
const REFUSED: RGBColor = RGBColor(200, 30, 30);
/// One colour for each band; the last one is for all other teams.
const COLOURS: [RGBColor; 10] = [
    RGBColor(78, 121, 167),
    RGBColor(242, 142, 43),
    RGBColor(89, 161, 79),
    RGBColor(225, 87, 89),
    RGBColor(118, 183, 178),
    RGBColor(237, 201, 72),
    RGBColor(176, 122, 161),
    RGBColor(255, 157, 167),
    RGBColor(156, 117, 95),
    RGBColor(186, 176, 172),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws a run as SVG.
pub(crate) fn draw(trial: &Trial, tally: &Tally<'_>) -> Result<String, SimulateError> {
    let windows = trial.scenario.windows;
    if windows > WINDOWS_MAX {
        let rule = format!("a picture shows at most {WINDOWS_MAX} windows, this run has {windows}");
        return Err(SimulateError::Plot(rule));
    }
    let picture = Picture::of(tally, COLOURS.len());
    let mut svg = String::new();
    paint(&mut svg, &trial.id, &picture).map_err(SimulateError::Plot)?;
    Ok(svg)
}

fn paint(svg: &mut String, id: &str, picture: &Picture) -> Result<(), String> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(text)?;
    let title = text_style(21).pos(Pos::new(HPos::Left, VPos::Top));
    root.draw_text(id, &title, (24, 14)).map_err(text)?;
    let lines = legend(&root, picture)?;
    let (_, body) = root.split_vertically(HEAD + lines * LEGEND_LINE);
    let (upper, lower) = body.split_vertically((body.dim_in_pixel().1 * 62 / 100).cast_signed());
    permits(&upper, picture)?;
    waits(&lower, picture)?;
    root.present().map_err(text)
}

fn text(error: impl Display) -> String {
    error.to_string()
}

fn text_style(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// Draws the legend and says how many lines it took beyond the first.
fn legend(root: &Area<'_>, picture: &Picture) -> Result<i32, String> {
    let (mut x, mut y) = (24, 48);
    let bands =
        picture.bands.iter().zip(COLOURS).map(|(band, colour)| (band.name.as_str(), Key::Fill(colour)));
    let mut keys: Vec<_> = bands.collect();
    keys.push(("budget", Key::Line));
    let held = picture.held.iter().zip(HELD_FILLS);
    keys.extend(held.map(|(held, fill)| (held.name.as_str(), Key::Held(fill))));
    keys.push(("guard: no grants", Key::Fill(PALE)));
    if !picture.refused.is_empty() {
        keys.push(("refused", Key::Cross));
    }
    for (name, key) in keys {
        let width = 36 + i32::try_from(name.chars().count()).unwrap_or(100) * 8 + 18;
        if x + width > SIZE.0.cast_signed() {
            (x, y) = (24, y + LEGEND_LINE);
        }
        key.draw(root, (x, y))?;
        let style = text_style(15).pos(Pos::new(HPos::Left, VPos::Center));
        root.draw_text(name, &style, (x + 30, y + 7)).map_err(text)?;
        x += width;
    }
    Ok((y - 48) / LEGEND_LINE)
}

enum Key {
    Fill(RGBColor),
    Line,
    Held(RGBColor),
    Cross,
}

impl Key {
    fn draw(&self, root: &Area<'_>, (x, y): (i32, i32)) -> Result<(), String> {
        match self {
            Self::Fill(colour) => root.draw(&Rectangle::new([(x, y), (x + 22, y + 14)], colour.filled())),
            Self::Line => root.draw(&PathElement::new([(x, y + 7), (x + 22, y + 7)], INK.stroke_width(2))),
            Self::Held(fill) => {
                root.draw(&Rectangle::new([(x, y), (x + 22, y + 14)], fill.filled())).map_err(text)?;
                root.draw(&PathElement::new([(x, y + 13), (x + 22, y + 13)], HELD.stroke_width(2)))
            }
            Self::Cross => root.draw(&Cross::new((x + 11, y + 7), 4, REFUSED.stroke_width(2))),
        }
        .map_err(text)
    }
}

/// The permits of each window as they were granted, the teams on top of each other.
fn permits(area: &Area<'_>, picture: &Picture) -> Result<(), String> {
    let mut chart =
        panel(area).build_cartesian_2d(0.0..picture.end_s, 0.0..picture.most * 1.06).map_err(text)?;
    axes(&mut chart, picture, ("", "permits granted in the window"), &|y| format!("{y:.0}"))?;
    let guards = picture.windows.iter().map(|window| {
        Rectangle::new([(window.closes_s, 0.0), (window.end_s, picture.most * 1.06)], PALE.mix(0.7).filled())
    });
    chart.draw_series(guards).map_err(text)?;
    for (held, fill) in picture.held.iter().zip(HELD_FILLS) {
        let areas = held.areas.iter().map(|area| Polygon::new(area.clone(), fill.filled()));
        chart.draw_series(areas).map_err(text)?;
    }
    for (band, colour) in picture.bands.iter().zip(COLOURS) {
        let areas = band.areas.iter().map(|area| Polygon::new(area.clone(), colour.filled()));
        chart.draw_series(areas).map_err(text)?;
    }
    let ends = picture.windows.iter().map(|window| {
        PathElement::new([(window.end_s, 0.0), (window.end_s, window.budget)], WHITE.stroke_width(1))
    });
    chart.draw_series(ends).map_err(text)?;
    for held in &picture.held {
        let lines = held.areas.iter().map(|area| PathElement::new(area[..2].to_vec(), HELD.stroke_width(2)));
        chart.draw_series(lines).map_err(text)?;
    }
    let budgets = picture.windows.iter().map(|window| {
        let line = [(window.start_s, window.budget), (window.end_s, window.budget)];
        PathElement::new(line, INK.stroke_width(2))
    });
    chart.draw_series(budgets).map_err(text)?;
    Ok(())
}

/// How long what was granted had waited, and when something was refused.
fn waits(area: &Area<'_>, picture: &Picture) -> Result<(), String> {
    let longest = picture.longest_wait_s().max(1.0) * 2.0;
    let scale = (SHORTEST_WAIT_S * 0.7..longest).log_scale();
    let mut chart = panel(area).build_cartesian_2d(0.0..picture.end_s, scale).map_err(text)?;
    axes(&mut chart, picture, ("seconds", "waited (log scale)"), &|y| wait(*y))?;
    for (band, colour) in picture.bands.iter().zip(COLOURS) {
        let dot = |&(at_s, waited_s): &(f64, f64)| {
            Circle::new((at_s, waited_s.max(SHORTEST_WAIT_S)), 3, colour.mix(0.85).filled())
        };
        chart.draw_series(band.waits.iter().map(dot)).map_err(text)?;
    }
    let crosses =
        picture.refused.iter().map(|&at_s| Cross::new((at_s, longest * 0.8), 4, REFUSED.stroke_width(2)));
    chart.draw_series(crosses).map_err(text)?;
    Ok(())
}

/// A wait as a label. What was served at once stands on the lowest line.
fn wait(seconds: f64) -> String {
    match seconds {
        s if s <= SHORTEST_WAIT_S => format!("\u{2264} {}", duration(s)),
        s if s < 1.0 => duration(s),
        s => format!("{s:.0} s"),
    }
}

fn panel<'a, 'b>(area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut panel = ChartBuilder::on(area);
    panel.margin_left(16).margin_right(28).margin_top(6).margin_bottom(4);
    panel.set_label_area_size(LabelAreaPosition::Left, 78).set_label_area_size(LabelAreaPosition::Bottom, 40);
    panel
}

/// The axes of a panel: instants below, quantities on the left.
fn axes<'a, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>,
    picture: &Picture,
    (below, left): (&str, &str),
    quantity: &dyn Fn(&f64) -> String,
) -> Result<(), String>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let instant = |x: &f64| seconds_of(*x, picture.end_s);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(PALE)
        .axis_style(INK)
        .x_labels(12)
        .y_labels(7)
        .x_label_formatter(&instant)
        .y_label_formatter(&quantity)
        .label_style(text_style(14))
        .axis_desc_style(text_style(15))
        .x_desc(below)
        .y_desc(left)
        .draw()
        .map_err(text)
}
