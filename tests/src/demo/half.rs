//! One half of the demo: four services against a provider of its own, with Apportion between them or not.

use std::process::Command;
use std::time::Duration;

use super::keeper::Kept;
use super::live::Live;
use super::note::Note;
use super::plan::{CAST, Plan, TEAMS};
use super::service::Orders;
use crate::process::child::Child;
use crate::process::pass;
use crate::provider::report::Window;
use crate::provider::{Provider, Report, realtime_ns};

/// Least time from the start of the processes to the first window, in nanoseconds.
const AHEAD_NS: u64 = 1_500_000_000;
/// How long services have to end after the last window.
const END: Duration = Duration::from_secs(10);

/// What one half came to.
#[derive(Clone, Debug)]
pub struct Half {
    /// When its first window began, in nanoseconds since the epoch.
    pub start_ns: u64,
    /// The provider's own count.
    pub report: Report,
    /// What each service said of its requests.
    pub notes: [Vec<Note>; TEAMS],
}

impl Half {
    /// The windows that were played, by the provider's own count.
    pub fn windows(&self, plan: &Plan) -> impl Iterator<Item = &Window> {
        let (start_ns, end_ns) = (self.start_ns, self.start_ns + plan.length_ns());
        let all = self.report.windows.iter().chain([&self.report.open]);
        all.filter(move |window| (start_ns..end_ns).contains(&window.start_ns))
    }
}

/// A half that runs.
struct Running {
    provider: Provider,
    services: Vec<Child>,
    half: Half,
}

/// Plays one half and shows it while it runs.
///
/// # Errors
///
/// If the provider, Apportion or a service cannot be started, or a service ends with an error.
pub async fn play(plan: &Plan, with_apportion: bool, live: &mut Live) -> Result<Half, String> {
    let provider = Provider::start(plan.rules.clone()).map_err(|error| error.to_string())?;
    let kept = with_apportion.then(|| Kept::start(plan)).transpose()?;
    let soonest_ns = realtime_ns() + AHEAD_NS;
    let start_ns = plan.rules.window_start_ns(soonest_ns) + plan.rules.window_ns();
    let mut services = Vec::new();
    for role in 0..TEAMS {
        let (plan, provider, apportion) =
            (plan.clone(), provider.address(), kept.as_ref().map(|kept| kept.address));
        services.push(started(&Orders { plan, role, provider, apportion, start_ns })?);
    }
    let half = Half { start_ns, report: provider.report(), notes: Default::default() };
    let mut running = Running { provider, services, half };
    running.watch(plan, live).await;
    let half = running.ended()?;
    if let Some(kept) = kept {
        kept.stop();
    }
    Ok(half)
}

fn note(line: &str) -> Option<Note> {
    serde_json::from_str(line).ok()
}

/// Starts this program again as a service: its argument `service` leads to [`super::service::serve`].
fn started(orders: &Orders) -> Result<Child, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let orders = serde_json::to_string(orders).map_err(|error| error.to_string())?;
    Ok(Child::start_bound(Command::new(own).args(["service", &orders])))
}

impl Running {
    /// Looks at it every second, on the second, until the last window is over.
    async fn watch(&mut self, plan: &Plan, live: &mut Live) {
        let end_ns = self.half.start_ns + plan.length_ns();
        while realtime_ns() < end_ns {
            pass(Duration::from_nanos(1_000_000_000 - realtime_ns() % 1_000_000_000)).await;
            self.listen();
            self.half.report = self.provider.report();
            live.show(plan, &self.half, realtime_ns());
        }
    }

    fn listen(&mut self) {
        for (service, notes) in self.services.iter().zip(&mut self.half.notes) {
            notes.extend(service.lines().filter_map(|line| note(&line)));
        }
    }

    fn ended(mut self) -> Result<Half, String> {
        self.listen();
        for (role, service) in self.services.iter_mut().enumerate() {
            let team = CAST[role].team;
            let (status, said) = service.ended(END).ok_or_else(|| format!("{team} does not end"))?;
            if !status.success() {
                return Err(format!("{team} ended with {status}: {}", service.complaints()));
            }
            self.half.notes[role].extend(said.iter().filter_map(|line| note(line)));
        }
        self.half.report = self.provider.stop();
        Ok(self.half)
    }
}
