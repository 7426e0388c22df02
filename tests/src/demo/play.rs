//! Plays one round: four services against a provider of its own, through Apportion or without it.

use std::process::Command;
use std::time::Duration;

use super::live::Live;
use super::outcome::Outcome;
use super::plan::{Plan, SERVICES, TEAMS};
use super::round::Round;
use super::service::Assignment;
use super::supervisor::Supervisor;
use crate::process::child::Child;
use crate::process::pass;
use crate::provider::{Provider, realtime_ns};

/// Least time from the start of the processes to the first window, in nanoseconds.
const START_UP_NS: u64 = 1_500_000_000;
/// How long services have to end after the last window.
const END: Duration = Duration::from_secs(10);

/// Plays one round and shows it while it runs.
///
/// # Errors
///
/// If the provider, Apportion or a service cannot be started, or a service ends with an error.
pub async fn play(plan: &Plan, with_apportion: bool, live: &mut Live) -> Result<Round, String> {
    let provider = Provider::start(plan.rules.clone()).map_err(|error| error.to_string())?;
    let supervisor = with_apportion.then(|| Supervisor::start(plan)).transpose()?;
    let earliest_ns = realtime_ns() + START_UP_NS;
    let start_ns = plan.rules.window_start_ns(earliest_ns) + plan.rules.window_ns();
    let mut services = Vec::new();
    for service in 0..TEAMS {
        services.push(start(&Assignment {
            plan: plan.clone(),
            service,
            provider: provider.address(),
            apportion: supervisor.as_ref().map(|supervisor| supervisor.address),
            start_ns,
        })?);
    }
    let round = Round { start_ns, report: provider.report(), outcomes: Default::default() };
    let mut running = Running { provider, services, round };
    running.watch(plan, live).await;
    let round = running.end()?;
    if let Some(supervisor) = supervisor {
        supervisor.stop();
    }
    Ok(round)
}

/// Starts this program again as a service: its argument `service` leads to [`super::service::serve`].
fn start(assignment: &Assignment) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let assignment = serde_json::to_string(assignment).map_err(|error| error.to_string())?;
    Ok(Child::start_bound(Command::new(program).args(["service", &assignment])))
}

fn outcome(line: &str) -> Option<Outcome> {
    serde_json::from_str(line).ok()
}

/// A round that runs.
struct Running {
    provider: Provider,
    services: Vec<Child>,
    round: Round,
}

impl Running {
    /// Shows the round every second, on the second, until the last window is over.
    async fn watch(&mut self, plan: &Plan, live: &mut Live) {
        let end_ns = self.round.start_ns + plan.length_ns();
        while realtime_ns() < end_ns {
            pass(Duration::from_nanos(1_000_000_000 - realtime_ns() % 1_000_000_000)).await;
            self.read_outcomes();
            self.round.report = self.provider.report();
            live.show(plan, &self.round, realtime_ns());
        }
    }

    fn read_outcomes(&mut self) {
        for (service, outcomes) in self.services.iter().zip(&mut self.round.outcomes) {
            outcomes.extend(service.lines().filter_map(|line| outcome(&line)));
        }
    }

    fn end(mut self) -> Result<Round, String> {
        self.read_outcomes();
        for (k, service) in self.services.iter_mut().enumerate() {
            let team = SERVICES[k].team;
            let (status, lines) = service.ended(END).ok_or_else(|| format!("{team} does not exit"))?;
            if !status.success() {
                return Err(format!("{team} failed with {status}: {}", service.stderr()));
            }
            self.round.outcomes[k].extend(lines.iter().filter_map(|line| outcome(line)));
        }
        self.round.report = self.provider.stop();
        Ok(self.round)
    }
}
