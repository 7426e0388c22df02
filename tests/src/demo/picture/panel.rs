//! The two panels of a round: arrivals by window, and waits over time.

use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{Area, COLOURS, INK, LABEL, PALE, THROTTLED, THROTTLED_FILL, style, text};
use crate::demo::measurements::{Measurements, WindowCount};
use crate::demo::plan::{Cast, Plan};

/// The shortest wait on the scale, in seconds.
const SHORTEST_WAIT_S: f64 = 0.001;
/// Space on each side of a bar, as a part of the window.
const GAP: f64 = 0.07;
/// Most windows with a number each.
const NUMBERED_MAX: usize = 10;

/// The scale that all rounds share, so that they can be compared.
pub(super) struct Scale {
    pub(super) cast: Cast,
    window_s: f64,
    end_s: f64,
    /// The most arrivals of a window.
    most: f64,
    longest_wait_s: f64,
}

impl Scale {
    pub(super) fn of<'a>(plan: &Plan, rounds: impl Iterator<Item = &'a Measurements>) -> Self {
        let window_s = plan.rules.window_ms as f64 / 1000.0;
        let (mut most, mut longest_wait_s) = (plan.rules.limit as f64, 10.0_f64);
        for round in rounds {
            most = round.windows.iter().map(|window| arrived(window) as f64).fold(most, f64::max);
            let watched = plan.cast.watched().iter().flat_map(|&team| &round.waits[team]);
            longest_wait_s = watched.map(|wait| wait.waited_s).fold(longest_wait_s, f64::max);
        }
        Self { cast: plan.cast, window_s, end_s: window_s * plan.windows as f64, most, longest_wait_s }
    }
}

fn arrived(window: &WindowCount) -> u64 {
    window.accepted.iter().sum::<u64>() + window.throttled
}

/// The arrivals of each window: the teams stacked, then what was throttled, and the limit.
pub(super) fn arrivals(area: &Area<'_>, round: &Measurements, scale: &Scale) -> Result<(), String> {
    let top = scale.most * 1.12;
    let mut chart = panel(area).build_cartesian_2d(0.0..scale.end_s, 0.0..top).map_err(text)?;
    axes(&mut chart, ("", "requests in the window"), &|y| format!("{y:.0}"))?;
    for (at, window) in round.windows.iter().enumerate() {
        let start_s = at as f64 * scale.window_s;
        let (left, right) = (start_s + GAP * scale.window_s, start_s + (1.0 - GAP) * scale.window_s);
        let mut below = 0.0;
        for (&accepted, colour) in window.accepted.iter().zip(COLOURS) {
            let place = [(left, below), (right, below + accepted as f64)];
            chart.draw_series([Rectangle::new(place, colour.filled())]).map_err(text)?;
            below += accepted as f64;
        }
        if window.throttled > 0 {
            let place = [(left, below), (right, below + window.throttled as f64)];
            chart.draw_series([Rectangle::new(place, THROTTLED_FILL.filled())]).map_err(text)?;
            chart.draw_series([Rectangle::new(place, THROTTLED.stroke_width(1))]).map_err(text)?;
        }
        if window.throttled > 0 && round.windows.len() <= NUMBERED_MAX {
            let middle = (start_s + scale.window_s / 2.0, below + window.throttled as f64 / 2.0);
            let centred = style(LABEL, THROTTLED).pos(Pos::new(HPos::Center, VPos::Center));
            chart
                .draw_series([Text::new(format!("+{}", window.throttled), middle, centred)])
                .map_err(text)?;
        }
    }
    let limits = round.windows.iter().enumerate().map(|(at, window)| {
        let (start_s, limit) = (at as f64 * scale.window_s, window.limit as f64);
        PathElement::new([(start_s, limit), (start_s + scale.window_s, limit)], INK.stroke_width(3))
    });
    chart.draw_series(limits).map_err(text)?;
    Ok(())
}

/// How long each request of the watched services waited, by the time at which it was issued.
pub(super) fn waits(area: &Area<'_>, round: &Measurements, scale: &Scale) -> Result<(), String> {
    let range = (SHORTEST_WAIT_S * 0.7..scale.longest_wait_s * 2.0).log_scale();
    let mut chart = panel(area).build_cartesian_2d(0.0..scale.end_s, range).map_err(text)?;
    axes(&mut chart, ("seconds", "wait (log scale)"), &|y| wait(*y))?;
    let watched = scale.cast.watched();
    // Where many are drawn, one does not hide the others.
    let size = if watched.len() > 1 { 2 } else { 4 };
    let waits = watched.iter().flat_map(|&team| round.waits[team].iter().map(move |wait| (team, wait)));
    let dots = waits.map(|(team, wait)| {
        let at = (wait.issued_s, wait.waited_s.max(SHORTEST_WAIT_S));
        let colour = if wait.is_accepted { COLOURS[team] } else { THROTTLED };
        Circle::new(at, size, colour.mix(0.75).filled())
    });
    chart.draw_series(dots).map_err(text)?;
    Ok(())
}

/// A wait as a label. Shorter waits are drawn on the lowest line.
fn wait(seconds: f64) -> String {
    match seconds {
        s if s <= SHORTEST_WAIT_S => "\u{2264} 1 ms".into(),
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s => format!("{s:.0} s"),
    }
}

fn panel<'a, 'b>(area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut panel = ChartBuilder::on(area);
    panel.margin_left(12).margin_right(24).margin_top(8).margin_bottom(6);
    panel.set_label_area_size(LabelAreaPosition::Left, 80).set_label_area_size(LabelAreaPosition::Bottom, 44);
    panel
}

/// The axes of a panel: seconds below, quantities on the left.
fn axes<'a, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>,
    (below, left): (&str, &str),
    quantity: &dyn Fn(&f64) -> String,
) -> Result<(), String>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(PALE)
        .axis_style(INK)
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(quantity)
        .label_style(style(LABEL, INK))
        .axis_desc_style(style(LABEL, INK))
        .x_desc(below)
        .y_desc(left)
        .draw()
        .map_err(text)
}
