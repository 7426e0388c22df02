//! `apportion simulate SCENARIO…`: plays scenario files on virtual time and shows what came out.

mod check;
mod decimal;
mod demand;
mod events;
mod expectation;
mod fault;
mod format;
mod log;
mod read;
mod run;
mod safety;
mod tally;
mod workspace;

use apportion_core::scenario::{Record, Scenario};
use fault::SimulateError;
use read::Trial;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
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
    /// Holds what the scenarios expect against what came out; exits 1 where something fails.
    #[arg(long)]
    check: bool,
}

/// Plays all scenarios. False: a check failed.
pub(crate) fn run(args: &Args) -> Result<bool, SimulateError> {
    let trials = args.scenarios.iter().map(|path| read::load(path)).collect::<Result<Vec<_>, _>>()?;
    let (mut passed, mut failed) = (0, 0);
    for trial in &trials {
        let records = play(&trial.scenario);
        let tally = Tally::new(&trial.scenario, &records);
        if let Some(file) = &args.events {
            write_events(file, trial, &records)?;
        }
        if args.check {
            let findings = check::check(trial, &tally);
            passed += findings.passed;
            failed += findings.failures.len();
            for failure in &findings.failures {
                println!("{}: {failure}", trial.id);
            }
        }
    }
    if args.check {
        println!("{passed} passed, {failed} failed");
    }
    Ok(failed == 0)
}

/// Plays one scenario.
fn play(scenario: &Scenario) -> Vec<Record> {
    apportion_core::scenario::replay(scenario).expect("a policy that was checked when the file was read")
}

fn write_events(file: &Path, trial: &Trial, records: &[Record]) -> Result<(), SimulateError> {
    let of_file = |source| SimulateError::File { file: file.display().to_string(), source };
    let mut to: Box<dyn Write> = if file.as_os_str() == "-" {
        Box::new(BufWriter::new(io::stdout().lock()))
    } else {
        Box::new(BufWriter::new(File::create(file).map_err(of_file)?))
    };
    log::write(&mut to, &trial.scenario, records).map_err(of_file)
}
