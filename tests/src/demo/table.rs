//! The measurements of the rounds as a table.

use std::fmt::Write;

use super::measurements::Measurements;
use super::plan::{CRM, Cast, SYNC};
use super::text::{duration, percent};

/// Rounds with their names, side by side.
pub fn table(cast: Cast, rounds: &[(&str, &Measurements)]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, cell: &dyn Fn(&Measurements) -> String| {
        let cells = rounds.iter().map(|(_, round)| format!("{:>22}", cell(round)));
        let _ = writeln!(text, "{name:<28}{}", cells.collect::<String>());
    };
    line("throttled (429)", &|round| round.throttled.to_string());
    line("accepted", &|round| round.all_accepted().to_string());
    line("utilisation", &|round| percent(round.utilisation().0));
    line("  of the least used window", &|round| percent(round.utilisation().1));
    for (team, service) in cast.services().iter().enumerate() {
        line(&format!("{}: accepted", service.team), &|round| round.accepted(team).to_string());
        line("  wait p50, p99", &|round| waits(round, team));
        line("  unserved at the end", &|round| round.unserved(team).to_string());
    }
    match cast {
        Cast::Departments => {
            let [sync, crm] = [SYNC, CRM].map(|team| cast.services()[team].weight);
            line(&format!("sync : crm, weights {sync} : {crm}"), &|round| {
                round.ratio(SYNC, CRM).map_or("-".into(), |ratio| format!("{ratio:.2} : 1"))
            });
        }
        Cast::Languages => {
            for (team, service) in cast.services().iter().enumerate() {
                line(&format!("share of {}, weight {}", service.team, service.weight), &|round| {
                    round.share(team).map_or("-".into(), percent)
                });
            }
        }
    }
    line("  from the third window on", &|_| String::new());
    let names = rounds.iter().map(|(name, _)| format!("{name:>22}"));
    format!("{:<28}{}\n{text}", "", names.collect::<String>())
}

fn waits(round: &Measurements, team: usize) -> String {
    match (round.wait_s(team, 500), round.wait_s(team, 990)) {
        (Some(p50), Some(p99)) => format!("{}, {}", duration(p50), duration(p99)),
        _ => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_have_the_same_width() {
        let round = Measurements { waits: vec![vec![]; 5], ..Measurements::default() };
        for (cast, lines) in [(Cast::Departments, 19), (Cast::Languages, 26)] {
            let table = table(cast, &[("Each on its own", &round), ("Through Apportion", &round)]);
            let widths: Vec<_> = table.lines().map(|line| line.chars().count()).collect();
            assert_eq!(widths, vec![72; lines], "{table}");
        }
    }
}
