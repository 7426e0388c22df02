//! Keeps `apportion serve` on a store of its own, as long as whoever asked for it lives, and clears up behind it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::plan::{CAST, Plan};
use super::service::WORKSPACE;
use crate::process::child::Child;
use crate::process::server::{Server, program};
use crate::provider::Rules;

/// How long the server has to stop in good order.
const STOP: Duration = Duration::from_secs(20);

/// A server that serves the plan's policy until it is dropped.
#[derive(Debug)]
pub struct Kept {
    /// The process that keeps it.
    keeper: Child,
    /// Where it serves.
    pub address: SocketAddr,
}

impl Kept {
    /// Starts a keeper with this program, whose argument `keep` leads to [`keep`], and waits until it serves.
    ///
    /// # Errors
    ///
    /// If the program cannot be found, or the server does not start.
    pub fn start(plan: &Plan) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let plan = serde_json::to_string(plan).map_err(|error| error.to_string())?;
        // If it has to be built first, that takes longer than a first line may.
        let _ = program();
        let keeper = Child::start_bound(Command::new(own).args(["keep", &plan]));
        let line = keeper.next_line()?;
        let address = line.parse().map_err(|_| format!("{line}: no address"))?;
        Ok(Self { keeper, address })
    }

    /// Stops it in good order.
    pub fn stop(mut self) {
        self.keeper.end_input();
        let _ = self.keeper.ended(STOP);
    }
}

/// Serves the plan's policy, says where, and stops when the input ends.
///
/// # Errors
///
/// If there is no place for the store, or the policy is refused.
pub async fn keep(plan: &Plan) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    // Ctrl-C reaches every process of the terminal; this one still has to clear up, and its input ends then.
    let _interrupts = signal(SignalKind::interrupt()).map_err(text)?;
    let home = tempfile::tempdir().map_err(text)?;
    let server = Server::start(&home.path().join("data"));
    let file = home.path().join("policy.toml");
    std::fs::write(&file, policy(&plan.rules)).map_err(text)?;
    let applied = Command::new(program())
        .env_clear()
        .args(["apply", "--server", &format!("http://{}", server.address()), "--file"])
        .arg(&file)
        .output()
        .map_err(text)?;
    if !applied.status.success() {
        return Err(format!("the policy is refused: {}", String::from_utf8_lossy(&applied.stderr)));
    }
    writeln!(std::io::stdout(), "{}", server.address()).map_err(text)?;
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    server.stop(STOP);
    Ok(())
}

/// The policy as a file of `apportion apply`: the preset, or limits of its own where the provider is not as the preset has it.
fn policy(rules: &Rules) -> String {
    let usual = Rules::default();
    let seconds = |ms: u64| format!("\"{}.{:03}s\"", ms / 1000, ms % 1000);
    let mut text = format!("[[workspace]]\nid = \"{WORKSPACE}\"\n");
    if (rules.limit, rules.window_ms, rules.phase_ms) == (usual.limit, usual.window_ms, usual.phase_ms) {
        text += "preset = \"intercom\"\n";
    } else {
        let (window, phase) = (seconds(rules.window_ms), seconds(rules.phase_ms));
        text += &format!(
            "[[workspace.limit]]\nid = \"window\"\npermits = {}\nwindow = {window}\nphase = {phase}\n",
            rules.limit
        );
    }
    for role in CAST {
        let (team, weight, priority) = (role.team, role.weight, role.priority);
        text += &format!("\n[[workspace.team]]\nid = \"{team}\"\nweight = {weight}\n");
        text += &format!("priority = \"{priority}\"\nhighest_priority = \"{priority}\"\n");
    }
    text
}
