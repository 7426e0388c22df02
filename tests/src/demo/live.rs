//! What is seen while a half runs: in place on a terminal, a line every few seconds elsewhere.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use super::half::Half;
use super::plan::{CAST, Plan};
use super::table::duration;
use crate::provider::report::Window;

/// How often a line is written where nothing can be drawn in place, in seconds.
const LINE_EVERY_S: u64 = 5;
/// The width of a full bar, in characters.
const BAR: u64 = 40;

/// The view of one half.
#[derive(Debug)]
pub struct Live {
    name: &'static str,
    in_place: bool,
    drawn: usize,
}

impl Live {
    /// The view of the half that is called so.
    pub fn of(name: &'static str) -> Self {
        Self { name, in_place: std::io::stdout().is_terminal(), drawn: 0 }
    }

    /// Shows how the half stands now.
    pub fn show(&mut self, plan: &Plan, half: &Half, now_ns: u64) {
        let text = if self.in_place {
            let text = self.panel(plan, half, now_ns);
            let up = if self.drawn > 0 { format!("\u{1b}[{}A", self.drawn) } else { String::new() };
            self.drawn = text.lines().count();
            format!("{up}{}", text.replace('\n', "\u{1b}[K\n"))
        } else if (now_ns / 1_000_000_000).is_multiple_of(LINE_EVERY_S) {
            self.line(plan, half, now_ns) + "\n"
        } else {
            return;
        };
        // Where nobody looks on, nothing is lost.
        let mut out = std::io::stdout();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn head(&self, plan: &Plan, half: &Half, now_ns: u64) -> String {
        let Some(into_ns) = now_ns.checked_sub(half.start_ns) else {
            let left = (half.start_ns - now_ns) as f64 / 1e9;
            return format!("{}: begins with the provider's next window, in {left:.0} s", self.name);
        };
        let window_ns = plan.rules.window_ns();
        let (window, into) = (into_ns / window_ns, (into_ns % window_ns) as f64 / 1e9);
        if window >= plan.windows {
            return format!("{}: over", self.name);
        }
        format!("{}: window {} of {}, {into:4.1} s into it", self.name, window + 1, plan.windows)
    }

    fn line(&self, plan: &Plan, half: &Half, now_ns: u64) -> String {
        let total = half.report.total;
        let teams = CAST.iter().map(|role| {
            let through = half.report.teams.0.get(role.team).map_or(0, |tally| tally.accepted);
            format!("{} {through}", role.team)
        });
        let teams: Vec<_> = teams.collect();
        let head = self.head(plan, half, now_ns);
        format!("{head}; got through {}: {}; throttled {}", total.accepted, teams.join(", "), total.throttled)
    }

    fn panel(&self, plan: &Plan, half: &Half, now_ns: u64) -> String {
        let open: &Window = &half.report.open;
        let mut text = format!("\n{}\n", self.head(plan, half, now_ns));
        let served = open.tally.accepted.min(open.limit);
        let _ = writeln!(
            text,
            "  this window {} {served:>3} of {}, throttled {}",
            bar(served, open.limit),
            open.limit,
            open.tally.throttled
        );
        let _ = writeln!(text, "\n  {:<10}{:>12}{:>12}{:>14}", "", "got through", "throttled", "last waited");
        for (role, notes) in CAST.iter().zip(&half.notes) {
            let tally = half.report.teams.0.get(role.team).copied().unwrap_or_default();
            let waited = notes.iter().rfind(|note| note.through);
            let waited = waited.map_or("-".into(), |note| duration(note.waited_us as f64 / 1e6));
            let (team, through, throttled) = (role.team, tally.accepted, tally.throttled);
            let _ = writeln!(text, "  {team:<10}{through:>12}{throttled:>12}{waited:>14}");
        }
        let total = half.report.total;
        let _ = writeln!(text, "  {:<10}{:>12}{:>12}", "all", total.accepted, total.throttled);
        text
    }
}

fn bar(part: u64, of: u64) -> String {
    let full = part * BAR / of.max(1);
    (0..BAR).map(|at| if at < full { '█' } else { '·' }).collect()
}
