//! What came of a run: a table of cases and drivers, and every failure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::exceptions::Exceptions;
use super::lane::Played;
use crate::play::Verdict;

/// How one case of one driver counts, its hooks together.
#[derive(Clone, Copy, Default)]
struct Cell {
    passed: usize,
    failed: usize,
    excepted: usize,
    skipped: usize,
}

impl Cell {
    fn text(self) -> String {
        let all = self.passed + self.failed + self.excepted;
        match self {
            Self { failed: 1.., .. } if all > 1 => format!("FAIL {}/{all}", self.failed),
            Self { failed: 1.., .. } => "FAIL".into(),
            Self { excepted: 1.., .. } if all > 1 => format!("listed {}/{all}", self.excepted),
            Self { excepted: 1.., .. } => "listed".into(),
            Self { passed: 2.., .. } => format!("ok {all}"),
            Self { passed: 1, .. } => "ok".into(),
            Self { skipped: 1.., .. } => "-".into(),
            _ => String::new(),
        }
    }
}

/// Prints the table and the failures. The result is whether everything is as it should be.
pub(super) fn print(played: &[Played], exceptions: &Exceptions, took: Duration) -> bool {
    let drivers: BTreeSet<&str> = played.iter().map(|played| played.driver.as_str()).collect();
    let mut rows: BTreeMap<&str, BTreeMap<&str, Cell>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for played in played {
        let name = played.turn.name();
        let listed = exceptions.reason(&played.driver, &name);
        let row = rows.entry(played.turn.case.name.as_str()).or_default();
        let cell = row.entry(played.driver.as_str()).or_default();
        match (&played.verdict, listed) {
            (Verdict::Skipped, _) => cell.skipped += 1,
            (Verdict::Passed, None) => cell.passed += 1,
            (Verdict::Failed(_), Some(_)) => cell.excepted += 1,
            (Verdict::Passed, Some(reason)) => {
                cell.failed += 1;
                wrong.push(format!(
                    "{} {name} passes: take it out of exceptions.toml ({reason})",
                    played.driver
                ));
            }
            (Verdict::Failed(why), None) => {
                cell.failed += 1;
                wrong.push(failure(played, &name, why));
            }
        }
    }
    let width = rows.keys().map(|name| name.len()).max().unwrap_or(0);
    println!("{:width$}  {}", "", drivers.iter().map(|name| format!("{name:<14}")).collect::<String>());
    for (name, row) in &rows {
        let cells = drivers.iter().map(|driver| row.get(driver).copied().unwrap_or_default().text());
        println!("{name:width$}  {}", cells.map(|cell| format!("{cell:<14}")).collect::<String>().trim_end());
    }
    for text in &wrong {
        println!("\n{text}");
    }
    summary(played, &wrong, took);
    wrong.is_empty()
}

fn failure(played: &Played, name: &str, why: &str) -> String {
    let lines: Vec<&str> = played.stderr.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n    ");
    let title = &played.turn.case.title;
    let driver = &played.driver;
    format!("{driver} {name} fails after {:.1} s: {title}\n  {why}\n    {last}", played.took.as_secs_f64())
}

fn summary(played: &[Played], wrong: &[String], took: Duration) {
    let slowest = played.iter().max_by_key(|played| played.took);
    let slowest = slowest.map_or_else(String::new, |played| {
        format!(
            "; the slowest is {} of {}: {:.1} s",
            played.turn.name(),
            played.driver,
            played.took.as_secs_f64()
        )
    });
    println!(
        "\n{} played in {:.0} s, {} not as they should be{slowest}",
        played.len(),
        took.as_secs_f64(),
        wrong.len()
    );
}
