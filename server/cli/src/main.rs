//! The command line `apportion`: its commands and exit codes.
//!
//! 0: success. 1: a check failed. 2: an error; the message is on standard error.

mod terminal;

mod argument;
mod connection;

mod admin;
mod explain;
mod health;
mod restore;
mod serve;
mod simulate;
mod top;
mod usage;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The exit code of a failed check.
const CHECK_FAILED: u8 = 1;
/// The exit code of an error.
const ERROR: u8 = 2;

/// Share one API rate limit fairly among teams
#[derive(Parser)]
#[command(name = "apportion", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Args>),
    Simulate(simulate::Args),
    Restore(restore::Args),
    Health(health::Args),
    Top(top::Args),
    Explain(explain::Args),
    Usage(usage::Args),
    #[command(flatten)]
    Admin(admin::Command),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Usage(args) => usage::run(&args),
        Command::Admin(command) => admin::run(&command),
    };
    let outcome = outcome.and_then(|is_success| terminal::failure().map_or(Ok(is_success), Err));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(CHECK_FAILED),
        Err(error) => {
            terminal::error(&error);
            ExitCode::from(ERROR)
        }
    }
}
