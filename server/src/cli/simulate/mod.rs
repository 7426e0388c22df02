//! `apportion simulate SCENARIO…`: plays scenario files on virtual time and shows what came out.

mod check;
mod decimal;
mod demand;
mod events;
mod expectation;
mod fault;
mod format;
mod log;
mod picture;
mod plot;
mod read;
mod run;
mod safety;
mod shares;
mod summary;
mod table;
mod tally;
mod wanted;
mod waterfill;
mod workspace;

use super::terminal;
use apportion_core::scenario::{Record, Scenario};
use fault::SimulateError;
use read::Trial;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use summary::Summary;
use tally::Tally;

/// Plays scenarios on virtual time through the allocator that serves production traffic.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Scenario files.
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// Writes the event log, one JSON object a line; `-` is standard output. One scenario only.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Draws who got what over time, as SVG. One scenario only.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Holds what the scenarios expect against what came out; exits 1 where something fails.
    #[arg(long)]
    check: bool,
    /// Writes the summary as JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether standard output belongs to a program, so that sentences go to standard error.
    fn speaks_to_program(&self) -> bool {
        self.json || self.events_to_stdout()
    }

    fn events_to_stdout(&self) -> bool {
        self.events.as_ref().is_some_and(|file| file.as_os_str() == "-")
    }

    fn check_usage(&self) -> Result<(), SimulateError> {
        if self.scenarios.len() > 1 && self.events.is_some() {
            return Err(SimulateError::Usage("--events takes exactly one scenario"));
        }
        if self.scenarios.len() > 1 && self.plot.is_some() {
            return Err(SimulateError::Usage("--plot takes exactly one scenario"));
        }
        if self.json && self.events_to_stdout() {
            return Err(SimulateError::Usage("--json and --events - both want standard output"));
        }
        Ok(())
    }
}

/// Plays all scenarios, after all of them were read. False: a check failed.
pub(crate) fn run(args: &Args) -> Result<bool, SimulateError> {
    args.check_usage()?;
    let trials = args.scenarios.iter().map(|path| read::load(path)).collect::<Result<Vec<_>, _>>()?;
    let (mut summaries, mut passed, mut failures) = (Vec::new(), 0, Vec::new());
    for trial in &trials {
        let records = play(&trial.id, &trial.scenario)?;
        let tally = Tally::new(&trial.scenario, &records);
        if let Some(file) = &args.events {
            write_events(file, trial, &records)?;
        }
        if let Some(file) = &args.plot {
            plot::draw(file, trial, &tally)?;
        }
        if args.json || !(args.check || args.events_to_stdout()) {
            summaries.push(summary::summary(trial, &tally));
        }
        if args.check {
            let findings = check::check(trial, &tally);
            passed += findings.passed;
            failures.extend(findings.failures.into_iter().map(|failure| format!("{}: {failure}", trial.id)));
        }
    }
    show(args, &summaries)
        .map_err(|source| SimulateError::File { file: "standard output".into(), source })?;
    if args.check {
        let verdict = format!("{passed} passed, {} failed", failures.len());
        failures.iter().chain([&verdict]).for_each(|line| say(args, line));
    }
    Ok(failures.is_empty())
}

fn say(args: &Args, line: &str) {
    if args.speaks_to_program() {
        // A reader that has gone away is no reason to fail: the exit code says what was found.
        let _ = writeln!(io::stderr(), "{}", terminal::printable(line));
    } else {
        terminal::line(line);
    }
}

/// Shows the summaries: one JSON array, or one table each.
fn show(args: &Args, summaries: &[Summary]) -> io::Result<()> {
    let mut to = BufWriter::new(terminal::Output::default());
    if args.json {
        serde_json::to_writer_pretty(&mut to, summaries)?;
        writeln!(to)?;
        return to.flush();
    }
    for (place, summary) in summaries.iter().enumerate() {
        let gap = if place > 0 { "\n\n" } else { "" };
        write!(to, "{gap}{}", table::text(summary))?;
    }
    to.flush()
}

/// Plays one scenario.
fn play(file: &str, scenario: &Scenario) -> Result<Vec<Record>, SimulateError> {
    let of_file = |source| SimulateError::Policy { file: file.to_owned(), source };
    apportion_core::scenario::replay(scenario).map_err(of_file)
}

fn write_events(file: &Path, trial: &Trial, records: &[Record]) -> Result<(), SimulateError> {
    let of_file = |source| SimulateError::File { file: file.display().to_string(), source };
    let mut to: Box<dyn Write> = if file.as_os_str() == "-" {
        Box::new(BufWriter::new(terminal::Output::default()))
    } else {
        Box::new(BufWriter::new(File::create(file).map_err(of_file)?))
    };
    log::write(&mut to, &trial.scenario, records).map_err(of_file)
}
