//! The runner: every case with every driver. It is a test without the usual harness, so that it has a command line of its own.

use std::path::Path;
use std::process::ExitCode;

use apportion_conformance::driver::DriverCommand;
use apportion_conformance::run::{options::Options, run};

#[tokio::main]
async fn main() -> ExitCode {
    let rust = DriverCommand::program("rust", Path::new(env!("CARGO_BIN_EXE_rust_driver")));
    let done = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => run(options, vec![rust]).await,
        Err(why) => Err(why),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
