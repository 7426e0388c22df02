//! The picture: a screen as cells. Pure: the same screen and size give the same cells.
//!
//! From top to bottom: who and whether it is live, one or two lines a limit, trouble, the table, the keys. Where the
//! terminal is low, the table keeps a few lines and the limits give way.

use super::columns::Table;
use super::model::{LimitRow, TeamRow};
use super::screen::{Link, Screen};
use super::text::{bar, count, cut, time};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// The minimum height of the table.
const TABLE_LEAST: u16 = 4;
/// The minimum and maximum width of the bar of a window.
const BAR: (usize, usize) = (8, 24);

/// The style of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Head,
    Quiet,
    Warning,
    Alarm,
}

/// Draws the screen.
pub(super) fn draw(buffer: &mut Buffer, screen: &Screen) {
    let area = buffer.area;
    if area.is_empty() {
        return;
    }
    let width = usize::from(area.width);
    let teams = screen.view.sorted(screen.sort);
    let above = above(screen, width, usize::from(area.height.saturating_sub(TABLE_LEAST + 1)));
    let mut y = 0;
    let mut put = |y: u16, text: &str, tone| {
        if y < area.height {
            let style = style(tone, screen);
            buffer.set_stringn(area.x, area.y + y, text, width, style);
        }
    };
    for (line, tone) in &above {
        put(y, line, *tone);
        y += 1;
    }
    let keys = area.height.saturating_sub(1);
    let table = Table::new(&teams, width);
    if y < keys || y == 0 {
        put(y, &table.head(), Tone::Head);
        y += 1;
    }
    let room = usize::from(keys.saturating_sub(y));
    // As many as fit, with a full last page.
    let first = screen.scroll.min(teams.len().saturating_sub(room));
    for team in teams.iter().skip(first).take(room) {
        put(y, &table.row(team), tone(team));
        y += 1;
    }
    if keys > 0 {
        put(keys, &footer(screen, first, room, teams.len(), width), Tone::Quiet);
    }
}

/// The lines above the table, at most `most` besides the first.
fn above(screen: &Screen, width: usize, most: usize) -> Vec<(String, Tone)> {
    let mut lines = vec![(title(screen, width), title_tone(screen))];
    let view = &screen.view;
    if let Some(trouble) = &view.trouble {
        lines.push((cut(trouble, width), Tone::Alarm));
    }
    let limits = view.limits.iter().map(|limit| limit_lines(limit, screen, width));
    for of_limit in limits {
        if lines.len() + of_limit.len() > most + 1 {
            break;
        }
        lines.extend(of_limit);
    }
    if lines.len() < most {
        lines.push((String::new(), Tone::Plain));
    }
    lines
}

fn title_tone(screen: &Screen) -> Tone {
    if matches!(screen.link, Link::Live | Link::Printed) { Tone::Head } else { Tone::Warning }
}

fn title(screen: &Screen, width: usize) -> String {
    let state = match (&screen.link, screen.paused) {
        (Link::Live, true) => "paused".into(),
        (Link::Live, false) => "live".into(),
        (Link::Printed, _) => String::new(),
        (Link::Trying, _) => format!("reconnecting, as of {} ago", time(screen.age)),
        (Link::Lost(why, after), _) => {
            format!("reconnecting in {}, as of {} ago: {why}", time(*after), time(screen.age))
        }
    };
    let waiting = screen.view.waiting_requests;
    let waiting = if waiting == 0 { String::new() } else { format!(", {} wait", count(waiting.into())) };
    let who = format!("{}{waiting}", screen.view.workspace);
    let room = width.saturating_sub(who.chars().count() + 2);
    if room < 4 {
        return cut(&who, width);
    }
    let state = cut(&state, room);
    format!("{who}  {state:>room$}").trim_end().into()
}

fn limit_lines(limit: &LimitRow, screen: &Screen, width: usize) -> Vec<(String, Tone)> {
    let (state, tone) = state(limit, screen);
    let elapsed = (limit.elapsed + screen.age).min(limit.window);
    let left = time(limit.window.saturating_sub(elapsed));
    let policy = limit.configured.map(|of| format!(" (policy {})", count(of.into()))).unwrap_or_default();
    let budget = format!("{} left of {}{policy}", count(limit.left.into()), count(limit.budget.into()));
    let details = format!("booked {}, others {}", count(limit.booked.into()), count(limit.others.into()));
    let clock = |cells: usize| format!("{} {left:>6} to go", bar(elapsed, limit.window, cells));
    let (least, most) = BAR;
    let fixed = format!("{}    {}  {budget}  {details}  {state}", limit.id, clock(0)).chars().count();
    if width >= fixed + least {
        let clock = clock((width - fixed).min(most));
        return vec![(format!("{}  {clock}  {budget}  {details}  {state}", limit.id), tone)];
    }
    let fixed = format!("{}  {}  {state}", limit.id, clock(0)).chars().count();
    let clock = clock(width.saturating_sub(fixed).clamp(least, most));
    let first = format!("{}  {clock}  {state}", limit.id);
    vec![(cut(&first, width), tone), (cut(&format!("  {budget}, {details}"), width), Tone::Plain)]
}

/// The state of a limit.
fn state(limit: &LimitRow, screen: &Screen) -> (String, Tone) {
    let cooldown = limit.cooldown.map(|left| left.saturating_sub(screen.age)).filter(|left| !left.is_zero());
    if let Some(left) = cooldown {
        return (format!("throttled, {} more", time(left)), Tone::Alarm);
    }
    match (limit.open, limit.exhausted) {
        (true, _) if limit.left == 0 => ("used up".into(), Tone::Warning),
        (true, _) => ("open".into(), Tone::Plain),
        (false, true) => ("exhausted".into(), Tone::Alarm),
        (false, false) if limit.elapsed + screen.age > limit.window / 2 => ("guard".into(), Tone::Quiet),
        (false, false) => ("starting".into(), Tone::Quiet),
    }
}

fn tone(team: &TeamRow) -> Tone {
    if team.cap == Some(0) {
        Tone::Quiet
    } else if team.refused > 0 {
        Tone::Alarm
    } else if team.waiting > 0 {
        Tone::Warning
    } else {
        Tone::Plain
    }
}

fn footer(screen: &Screen, first: usize, room: usize, all: usize, width: usize) -> String {
    let teams = if all == 0 {
        "no teams".into()
    } else if all <= room {
        format!("{all} teams")
    } else {
        format!("teams {}-{} of {all}", (first + 1).min(all), (first + room).min(all))
    };
    let keys = format!("q quit  s sort: {}  ↑↓ scroll  p pause", screen.sort.name());
    let room = width.saturating_sub(keys.chars().count());
    if room < teams.chars().count() + 2 { cut(&keys, width) } else { format!("{keys}{teams:>room$}") }
}

/// Stale content is gray; without colors, brightness and inversion remain.
fn style(tone: Tone, screen: &Screen) -> Style {
    let style = Style::new();
    let colour = |style: Style, colour| if screen.colour { style.fg(colour) } else { style };
    let is_title = matches!(tone, Tone::Head | Tone::Warning);
    if matches!(screen.link, Link::Trying | Link::Lost(..)) && !is_title {
        return colour(style.add_modifier(Modifier::DIM), Color::DarkGray);
    }
    match tone {
        Tone::Plain => style,
        Tone::Head => style.add_modifier(Modifier::BOLD),
        Tone::Quiet => style.add_modifier(Modifier::DIM),
        Tone::Warning => colour(style, Color::Yellow),
        Tone::Alarm => colour(style.add_modifier(Modifier::BOLD), Color::Red),
    }
}

/// The whole screen as text, every column and every team, without the keys.
pub(super) fn text(screen: &Screen) -> String {
    let least = 80;
    let width = Table::whole(&screen.view.teams).max(least);
    let height = screen.view.teams.len() + 2 * screen.view.limits.len() + usize::from(TABLE_LEAST) + 2;
    let area =
        Rect::new(0, 0, u16::try_from(width).unwrap_or(u16::MAX), u16::try_from(height).unwrap_or(u16::MAX));
    let mut buffer = Buffer::empty(area);
    draw(&mut buffer, screen);
    let mut lines = lines(&buffer);
    lines.pop();
    let text = lines.join("\n");
    text.trim_end().into()
}

/// The cells of a buffer as lines without trailing spaces.
fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    let rows = buffer.content.chunks(width);
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests;
