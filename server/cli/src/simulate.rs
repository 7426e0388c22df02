//! `apportion simulate`: replays scenario files in virtual time and prints the outcome.

use crate::terminal;
use apportion_simulate::{Run, SimulateError, Summary, load};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Replay scenarios in virtual time using the server's allocator
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// Write the event log to a file, one JSON object per line; - is standard output [one scenario only]
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Draw the grants over time to an SVG file [one scenario only]
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Check the expectations of the scenarios; exit with 1 if one fails
    #[arg(long)]
    check: bool,
    /// Print the summary as JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether standard output is for programs, so that messages go to standard error.
    fn is_for_programs(&self) -> bool {
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
            return Err("--json and --events - cannot both use standard output".into());
        }
        Ok(())
    }
}

/// Plays all scenarios, after all of them were read. Returns false where a check failed.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    args.check_usage()?;
    let text = |error: SimulateError| error.to_string();
    let trials = args.scenarios.iter().map(|path| load(path)).collect::<Result<Vec<_>, _>>().map_err(text)?;
    let (mut summaries, mut passed, mut failures) = (Vec::new(), 0, Vec::new());
    for trial in &trials {
        let played = trial.play().map_err(text)?;
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
    print(args, &summaries).map_err(|error| format!("standard output: {error}"))?;
    if args.check {
        let verdict = format!("{passed} passed, {} failed", failures.len());
        failures.iter().chain([&verdict]).for_each(|line| report(args, line));
    }
    Ok(failures.is_empty())
}

fn report(args: &Args, line: &str) {
    if args.is_for_programs() {
        // A closed pipe is no failure: the exit code reports what was found.
        let _ = writeln!(io::stderr(), "{}", terminal::printable(line));
    } else {
        terminal::line(line);
    }
}

/// Prints the summaries: one JSON array, or one table each.
fn print(args: &Args, summaries: &[Summary]) -> io::Result<()> {
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

fn write_events(file: &Path, played: &Run<'_>) -> Result<(), String> {
    let of_file = |error| format!("{}: {error}", file.display());
    let mut to: Box<dyn Write> = if file.as_os_str() == "-" {
        Box::new(BufWriter::new(terminal::Output::default()))
    } else {
        Box::new(BufWriter::new(File::create(file).map_err(of_file)?))
    };
    played.write_events(&mut to).map_err(of_file)
}
