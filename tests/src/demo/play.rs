//! Plays one round: services against a provider of its own, through Apportion or without it.

use std::time::Duration;

use super::launch::{outcome, start};
use super::live::Live;
use super::plan::Plan;
use super::round::Round;
use super::service::Assignment;
use super::supervisor::Supervisor;
use crate::process::child::Child;
use crate::process::pass;
use crate::provider::{Provider, realtime_ns};

/// Plays one round and shows it while it runs.
///
/// # Errors
///
/// If the provider, Apportion or a service cannot be started, or a service ends with an error.
pub async fn play(plan: &Plan, with_apportion: bool, live: &mut Live) -> Result<Round, String> {
    let provider = Provider::start(plan.rules.clone()).map_err(|error| error.to_string())?;
    let supervisor = with_apportion.then(|| Supervisor::start(plan)).transpose()?;
    let start_up_ns = u64::try_from(plan.cast.start_up().as_nanos()).unwrap_or(u64::MAX);
    let earliest_ns = realtime_ns() + start_up_ns;
    let start_ns = plan.rules.window_start_ns(earliest_ns) + plan.rules.window_ns();
    let mut services = Vec::new();
    for service in 0..plan.cast.services().len() {
        services.push(start(&Assignment {
            plan: plan.clone(),
            service,
            provider: provider.address(),
            apportion: supervisor.as_ref().map(|supervisor| supervisor.address),
            start_ns,
        })?);
    }
    let outcomes = vec![Vec::new(); services.len()];
    let round = Round { start_ns, report: provider.report(), outcomes };
    let mut running = Running { provider, services, round };
    running.watch(plan, live).await;
    running.end(plan)
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
            self.read_outcomes(plan);
            self.round.report = self.provider.report();
            live.show(plan, &self.round, realtime_ns());
        }
    }

    fn read_outcomes(&mut self, plan: &Plan) {
        for (service, outcomes) in self.services.iter().zip(&mut self.round.outcomes) {
            outcomes.extend(service.lines().filter_map(|line| outcome(plan, &line)));
        }
    }

    fn end(mut self, plan: &Plan) -> Result<Round, String> {
        self.read_outcomes(plan);
        for (k, service) in self.services.iter_mut().enumerate() {
            let team = plan.cast.services()[k].team;
            let (status, lines) =
                service.ended(plan.cast.end()).ok_or_else(|| format!("{team} does not exit"))?;
            if !status.success() {
                return Err(format!("{team} failed with {status}: {}", service.stderr()));
            }
            self.round.outcomes[k].extend(lines.iter().filter_map(|line| outcome(plan, line)));
        }
        self.round.report = self.provider.stop();
        Ok(self.round)
    }
}
