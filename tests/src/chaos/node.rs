//! A node whose wall clock is off: the server as it is, on other clocks.

use apportion_server::clock::{Machine, Source};
use apportion_server::config::{ADMIN_TOKEN, Flags, Settings};
use apportion_server::serve::Running;
use clap::Parser;

/// The clocks of the machine, with a wall clock that is off from a time on.
#[derive(Debug)]
struct WrongClock {
    ahead_ns: i64,
    from_ns: u64,
}

impl Source for WrongClock {
    fn wall_ns(&self) -> u64 {
        let right = Machine.wall_ns();
        if right < self.from_ns { right } else { right.saturating_add_signed(self.ahead_ns) }
    }

    fn boot_ns(&self) -> u64 {
        Machine.boot_ns()
    }
}

/// The arguments of such a node.
#[derive(Parser)]
struct Arguments {
    /// How far the clock is ahead, in milliseconds
    #[arg(allow_negative_numbers = true)]
    ahead_ms: i64,
    /// From when on, in nanoseconds since the Unix epoch
    from_ns: u64,
    /// Always `serve`, as for the real program
    command: String,
    #[command(flatten)]
    flags: Flags,
}

/// Runs a node until it is stopped. Prints the same first line as `apportion serve`.
///
/// # Errors
///
/// If an argument is wrong, or the node cannot start.
pub async fn serve(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let arguments = std::iter::once("node".into()).chain(arguments);
    let arguments = Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?;
    if arguments.command != "serve" {
        return Err(format!("{}: only `serve` is a command", arguments.command));
    }
    let secret = std::env::var(ADMIN_TOKEN).ok();
    let settings = Settings::load(&arguments.flags, secret).map_err(|error| error.to_string())?;
    let clock = WrongClock { ahead_ns: arguments.ahead_ms * 1_000_000, from_ns: arguments.from_ns };
    let running = Running::start_by(Box::new(clock), &settings).await.map_err(|error| error.to_string())?;
    let (address, http) = (running.address, running.http_address);
    println!("apportion serves gRPC on {address}, metrics and health on http://{http}");
    running.until_signalled().await.map_err(|error| error.to_string())
}
