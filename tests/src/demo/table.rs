//! The figures of both halves as a table for people.

use std::fmt::Write;

use super::figures::Figures;
use super::plan::{CAST, CRM, SYNC};

/// Halves with their names, one beside the other.
pub fn table(halves: &[(&str, &Figures)]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, cell: &dyn Fn(&Figures) -> String| {
        let cells = halves.iter().map(|(_, figures)| format!("{:>22}", cell(figures)));
        let _ = writeln!(text, "{name:<28}{}", cells.collect::<String>());
    };
    line("answered with 429", &|half| half.throttled.to_string());
    line("got through", &|half| half.all_through().to_string());
    line("utilisation, all windows", &|half| percent(half.utilisation().0));
    line("utilisation, least window", &|half| percent(half.utilisation().1));
    for (role, of) in CAST.iter().enumerate() {
        line(&format!("{} got through", of.team), &|half| half.through(role).to_string());
        line("  waited p50, p99", &|half| waits(half, role));
        line("  not served by the end", &|half| half.in_vain(role).to_string());
    }
    let weights = format!("sync : crm, weights {} : {}", CAST[SYNC].weight, CAST[CRM].weight);
    line(&weights, &|half| half.sync_for_each_crm().map_or("-".into(), |share| format!("{share:.2} : 1")));
    line("  from the third window on", &|_| String::new());
    let heads = halves.iter().map(|(name, _)| format!("{name:>22}"));
    format!("{:<28}{}\n{text}", "", heads.collect::<String>())
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

fn waits(half: &Figures, role: usize) -> String {
    match (half.wait_s(role, 500), half.wait_s(role, 990)) {
        (Some(half), Some(nearly_all)) => format!("{}, {}", duration(half), duration(nearly_all)),
        _ => "-".into(),
    }
}

/// A wait for people: milliseconds below one second.
pub fn duration(seconds: f64) -> String {
    if seconds < 0.0995 {
        format!("{:.1} ms", seconds * 1000.0)
    } else if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_as_wide_as_every_other() {
        let figures = Figures::default();
        let table = table(&[("each on its own", &figures), ("through Apportion", &figures)]);
        let widths: Vec<_> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, vec![72; 19], "{table}");
    }

    #[test]
    fn waits_are_said_in_a_unit_that_fits() {
        let said = [0.0012, 0.0199, 0.25, 0.9996, 12.34].map(duration);
        assert_eq!(said, ["1.2 ms", "19.9 ms", "250 ms", "1.0 s", "12.3 s"]);
    }
}
