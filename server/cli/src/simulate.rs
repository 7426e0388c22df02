//! `apportion simulate SCENARIO…`: plays scenario files on virtual time and shows what came out.

use crate::terminal;
use apportion_simulate::{Played, SimulateError, Summary, load};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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

    fn check_usage(&self) -> Result<(), String> {
        if self.scenarios.len() > 1 && self.events.is_some() {
            return Err("--events takes exactly one scenario".into());
        }
        if self.scenarios.len() > 1 && self.plot.is_some() {
            return Err("--plot takes exactly one scenario".into());
        }
        if self.json && self.events_to_stdout() {
            return Err("--json and --events - both want standard output".into());
        }
        Ok(())
    }
}

/// Plays all scenarios, after all of them were read. False: a check failed.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    args.check_usage()?;
    let told = |error: SimulateError| error.to_string();
    let trials = args.scenarios.iter().map(|path| load(path)).collect::<Result<Vec<_>, _>>().map_err(told)?;
    let (mut summaries, mut passed, mut failures) = (Vec::new(), 0, Vec::new());
    for trial in &trials {
        let played = trial.play().map_err(told)?;
        if let Some(file) = &args.events {
            write_events(file, &played)?;
        }
        if let Some(file) = &args.plot {
            let svg = played.plot().map_err(|error| format!("--plot: {error}"))?;
            std::fs::write(file, svg).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        if args.json || !(args.check || args.events_to_stdout()) {
            summaries.push(played.summary());
        }
        if args.check {
            let findings = played.check();
            passed += findings.passed;
            failures
                .extend(findings.failures.into_iter().map(|failure| format!("{}: {failure}", trial.id())));
        }
    }
    show(args, &summaries).map_err(|error| format!("standard output: {error}"))?;
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
        write!(to, "{gap}{}", summary.table())?;
    }
    to.flush()
}

fn write_events(file: &Path, played: &Played<'_>) -> Result<(), String> {
    let of_file = |error| format!("{}: {error}", file.display());
    let mut to: Box<dyn Write> = if file.as_os_str() == "-" {
        Box::new(BufWriter::new(terminal::Output::default()))
    } else {
        Box::new(BufWriter::new(File::create(file).map_err(of_file)?))
    };
    played.write_events(&mut to).map_err(of_file)
}
