//! Runs `apportion serve` on a store of its own, for as long as the demo lives, and removes the store afterwards.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::plan::Plan;
use super::service::WORKSPACE;
use crate::process::child::Child;
use crate::process::program::program;
use crate::process::server::Server;
use crate::provider::Rules;

/// How long the server has to stop gracefully.
const STOP: Duration = Duration::from_secs(20);

/// The process that supervises a server, until it is dropped.
#[derive(Debug)]
pub struct Supervisor {
    process: Child,
    /// Where the server listens.
    pub address: SocketAddr,
}

impl Supervisor {
    /// Starts this program again, whose argument `supervise` leads to [`supervise`], and waits until the server is ready.
    ///
    /// # Errors
    ///
    /// If the program cannot be found, or the server does not start.
    pub fn start(plan: &Plan) -> Result<Self, String> {
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let plan = serde_json::to_string(plan).map_err(|error| error.to_string())?;
        // Built first: that takes longer than a process has for its first line.
        let _ = program();
        let process = Child::start_bound(Command::new(this).args(["supervise", &plan]));
        let line = process.next_line()?;
        let address = line.parse().map_err(|_| format!("{line}: no address"))?;
        Ok(Self { process, address })
    }
}

impl Drop for Supervisor {
    /// Lets it stop the server gracefully: a supervisor that is killed leaves its server behind.
    fn drop(&mut self) {
        self.process.end_input();
        let _ = self.process.ended(STOP);
    }
}

/// Runs a server with the plan's policy, prints its address, and stops it when the input ends.
///
/// # Errors
///
/// If the store has no place, or the policy is refused.
pub async fn supervise(plan: &Plan) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    // Ctrl-C reaches every process of the terminal. This one still has to remove the store; its input ends then.
    let _interrupts = signal(SignalKind::interrupt()).map_err(text)?;
    let home = tempfile::tempdir().map_err(text)?;
    let server = Server::start(&home.path().join("data"));
    let file = home.path().join("policy.toml");
    std::fs::write(&file, policy(plan)).map_err(text)?;
    let applied = Command::new(program())
        .env_clear()
        .args(["apply", "--server", &format!("http://{}", server.address()), "--file"])
        .arg(&file)
        .output()
        .map_err(text)?;
    if !applied.status.success() {
        return Err(format!(
            "apportion apply refused the policy: {}",
            String::from_utf8_lossy(&applied.stderr)
        ));
    }
    writeln!(std::io::stdout(), "{}", server.address()).map_err(text)?;
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    server.stop(STOP);
    Ok(())
}

/// The policy as a file for `apportion apply`: the preset, whose headers the provider sends, and a limit of its own if it differs.
fn policy(plan: &Plan) -> String {
    let rules = &plan.rules;
    let preset = Rules::default();
    let seconds = |ms: u64| format!("\"{}.{:03}s\"", ms / 1000, ms % 1000);
    let mut text = format!("[[workspace]]\nid = \"{WORKSPACE}\"\npreset = \"intercom\"\n");
    if (rules.limit, rules.window_ms, rules.phase_ms) != (preset.limit, preset.window_ms, preset.phase_ms) {
        let (window, phase) = (seconds(rules.window_ms), seconds(rules.phase_ms));
        text += &format!(
            "[[workspace.limit]]\nid = \"window\"\npermits = {}\nwindow = {window}\nphase = {phase}\n",
            rules.limit
        );
    }
    for service in plan.cast.services() {
        let (team, weight, priority) = (service.team, service.weight, service.priority);
        text += &format!("\n[[workspace.team]]\nid = \"{team}\"\nweight = {weight}\n");
        text += &format!("priority = \"{priority}\"\nhighest_priority = \"{priority}\"\n");
    }
    text
}
