//! What is shown while a round runs: a panel on a terminal, elsewhere a line every few seconds.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use super::plan::Plan;
use super::round::Round;
use super::text::duration;
use crate::provider::report::Window;

/// The interval of the lines, in seconds.
const LINE_EVERY_S: u64 = 5;
/// The width of a full bar, in characters.
const BAR_WIDTH: u64 = 40;

/// The view of one round.
#[derive(Debug)]
pub struct Live {
    name: &'static str,
    in_place: bool,
    drawn_lines: usize,
}

impl Live {
    /// The view of the round with that name.
    pub fn of(name: &'static str) -> Self {
        Self { name, in_place: std::io::stdout().is_terminal(), drawn_lines: 0 }
    }

    /// Shows the progress of the round.
    pub fn show(&mut self, plan: &Plan, round: &Round, now_ns: u64) {
        let text = if self.in_place {
            let text = self.panel(plan, round, now_ns);
            let up =
                if self.drawn_lines > 0 { format!("\u{1b}[{}A", self.drawn_lines) } else { String::new() };
            self.drawn_lines = text.lines().count();
            format!("{up}{}", text.replace('\n', "\u{1b}[K\n"))
        } else if (now_ns / 1_000_000_000).is_multiple_of(LINE_EVERY_S) {
            self.line(plan, round, now_ns) + "\n"
        } else {
            return;
        };
        // Nothing is lost if nobody reads it.
        let mut out = std::io::stdout();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn head(&self, plan: &Plan, round: &Round, now_ns: u64) -> String {
        let Some(into_ns) = now_ns.checked_sub(round.start_ns) else {
            let left = (round.start_ns - now_ns) as f64 / 1e9;
            return format!("{}: starts with the provider's next window, in {left:.0} s", self.name);
        };
        let window_ns = plan.rules.window_ns();
        let (window, into) = (into_ns / window_ns, (into_ns % window_ns) as f64 / 1e9);
        if window >= plan.windows {
            return format!("{}: done", self.name);
        }
        format!("{}: window {} of {}, second {into:4.1}", self.name, window + 1, plan.windows)
    }

    fn line(&self, plan: &Plan, round: &Round, now_ns: u64) -> String {
        let total = round.report.total;
        let teams = plan.cast.services().iter().map(|service| {
            let accepted = round.report.teams.accepted(service.team);
            format!("{} {accepted}", service.team)
        });
        let teams: Vec<_> = teams.collect();
        let head = self.head(plan, round, now_ns);
        format!("{head}; accepted {}: {}; throttled {}", total.accepted, teams.join(", "), total.throttled)
    }

    fn panel(&self, plan: &Plan, round: &Round, now_ns: u64) -> String {
        let open: &Window = &round.report.open;
        let mut text = format!("\n{}\n", self.head(plan, round, now_ns));
        let accepted = open.tally.accepted.min(open.limit);
        let _ = writeln!(
            text,
            "  this window {} {accepted:>3} of {}, throttled {}",
            bar(accepted, open.limit),
            open.limit,
            open.tally.throttled
        );
        let _ = writeln!(text, "\n  {:<10}{:>12}{:>12}{:>14}", "", "accepted", "throttled", "last wait");
        for (service, outcomes) in plan.cast.services().iter().zip(&round.outcomes) {
            let tally = round.report.teams.tally(service.team);
            let last = outcomes.iter().rfind(|outcome| outcome.is_accepted);
            let wait = last.map_or("-".into(), |outcome| duration(outcome.waited_us as f64 / 1e6));
            let (team, accepted, throttled) = (service.team, tally.accepted, tally.throttled);
            let _ = writeln!(text, "  {team:<10}{accepted:>12}{throttled:>12}{wait:>14}");
        }
        let total = round.report.total;
        let _ = writeln!(text, "  {:<10}{:>12}{:>12}", "all", total.accepted, total.throttled);
        text
    }
}

fn bar(part: u64, of: u64) -> String {
    let full = part * BAR_WIDTH / of.max(1);
    (0..BAR_WIDTH).map(|at| if at < full { '█' } else { '·' }).collect()
}
