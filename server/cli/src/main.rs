//! The command line `apportion`: which commands there are, and what their exit codes mean.
//!
//! 0: all went well. 1: a check failed. 2: the input or the usage is wrong; one message on standard error says how.

mod admin;
mod restore;
mod serve;
mod simulate;
mod terminal;
mod top;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The exit code of a failed check.
const CHECK_FAILED: u8 = 1;
/// The exit code of bad input.
const BAD_INPUT: u8 = 2;

/// Shares one API rate budget fairly among teams.
#[derive(Parser)]
#[command(name = "apportion", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Simulate(simulate::Args),
    Restore(restore::Args),
    Top(top::Args),
    #[command(flatten)]
    Admin(admin::Command),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Admin(command) => admin::run(&command),
    };
    let outcome = outcome.and_then(|went_well| terminal::failure().map_or(Ok(went_well), Err));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(CHECK_FAILED),
        Err(error) => {
            terminal::complain(&error);
            ExitCode::from(BAD_INPUT)
        }
    }
}
