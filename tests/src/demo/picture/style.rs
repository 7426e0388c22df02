//! Colours, text and the drawing area of the picture.

use std::fmt::Display;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The size of labels.
pub(super) const LABEL: u32 = 16;

pub(super) const INK: RGBColor = RGBColor(40, 44, 52);
pub(super) const PALE: RGBColor = RGBColor(226, 229, 233);
pub(super) const THROTTLED: RGBColor = RGBColor(200, 30, 30);
pub(super) const THROTTLED_FILL: RGBColor = RGBColor(247, 205, 203);
pub(super) const GOOD: RGBColor = RGBColor(40, 125, 75);
/// One colour for each team.
pub(super) const COLOURS: [RGBColor; 5] = [
    RGBColor(54, 88, 150),
    RGBColor(89, 161, 119),
    RGBColor(237, 183, 72),
    RGBColor(178, 184, 193),
    RGBColor(146, 92, 158),
];

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

pub(super) fn text(error: impl Display) -> String {
    error.to_string()
}

pub(super) fn style(size: u32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}

/// Writes a line that starts at a point, which is in the middle of its height.
pub(super) fn write(
    area: &Area<'_>,
    line: &str,
    size: u32,
    at: (i32, i32),
    colour: RGBColor,
) -> Result<(), String> {
    area.draw_text(line, &style(size, colour).pos(Pos::new(HPos::Left, VPos::Center)), at).map_err(text)
}

/// Writes a line that ends at a point, which is in the middle of its height.
pub(super) fn write_right(
    area: &Area<'_>,
    line: &str,
    size: u32,
    at: (i32, i32),
    colour: RGBColor,
) -> Result<(), String> {
    area.draw_text(line, &style(size, colour).pos(Pos::new(HPos::Right, VPos::Center)), at).map_err(text)
}
