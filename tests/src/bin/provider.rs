//! The simulated provider as a process: prints its address, serves until it is stopped, and prints its report.

use std::net::SocketAddr;
use std::process::ExitCode;

use apportion_tests::provider::{Provider, Rules, realtime_ns};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
usage: provider [--listen ADDRESS] [RULES]

RULES is a JSON object; the defaults are those of Intercom. For example:
  provider --listen 127.0.0.1:8080 '{\"limit\": 166, \"window_ms\": 10000, \"phase_ms\": 0, \"latency_ms\": 20}'
GET /_report returns the counts, POST /_control changes the rules; requests to every other path are counted.
On SIGINT or SIGTERM it prints its report and exits.";

fn arguments() -> Result<(SocketAddr, Rules), String> {
    let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut rules = Rules::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--listen" {
            let text = arguments.next().ok_or("--listen needs an address")?;
            address = text.parse().map_err(|error| format!("--listen {text}: {error}"))?;
        } else if argument.starts_with('{') {
            rules = serde_json::from_str(&argument).map_err(|error| format!("the rules: {error}"))?;
        } else {
            return Err(USAGE.into());
        }
    }
    Ok((address, rules))
}

fn run() -> Result<(), String> {
    let (address, rules) = arguments()?;
    let text = |error: std::io::Error| error.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    runtime.block_on(async {
        let mut interrupted = signal(SignalKind::interrupt()).map_err(text)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(text)?;
        let provider = Provider::start_at(address, rules, Box::new(realtime_ns)).map_err(text)?;
        println!("listening on {}", provider.url());
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        println!("{}", serde_json::to_string(&provider.stop()).map_err(|error| error.to_string())?);
        Ok(())
    })
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
