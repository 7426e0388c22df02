//! The binary `apportion`.

use std::process::ExitCode;

fn main() -> ExitCode {
    apportion_server::cli::run()
}
