//! The process of a service: how it is started, and how it reports its requests.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::outcome::Outcome;
use super::plan::{Cast, Plan};
use super::service::{Assignment, WORKSPACE};
use crate::process::child::Child;

/// One request, as the examples of the client libraries report it.
#[derive(Deserialize)]
struct Reported {
    /// When it was issued, in nanoseconds since the Unix epoch.
    at_ns: u64,
    /// How long it took, in microseconds.
    took_us: u64,
    /// The status of the response; 0 if there was none.
    status: u16,
}

impl Cast {
    /// Least time that its processes need from their start to the first window.
    pub(super) fn start_up(self) -> Duration {
        match self {
            Self::Departments => Duration::from_millis(1500),
            Self::Languages => Duration::from_secs(6),
        }
    }

    /// How long its processes have to end after the last window. The examples wait for what they have issued.
    pub(super) fn end(self) -> Duration {
        match self {
            Self::Departments => Duration::from_secs(10),
            Self::Languages => Duration::from_secs(45),
        }
    }

    /// Builds what its processes need, so that none is late.
    ///
    /// # Errors
    ///
    /// The example that cannot be built. Its standard error was shown.
    pub fn prepare(self) -> Result<(), String> {
        if self == Self::Languages {
            for service in self.services() {
                let status = Command::new(example(service.team)).args(["--requests", "0"]).status();
                let failed = |why: String| format!("the example of client/{}: {why}", service.team);
                let status = status.map_err(|error| failed(error.to_string()))?;
                status.success().then_some(()).ok_or_else(|| failed(status.to_string()))?;
            }
        }
        Ok(())
    }
}

/// Starts a service.
///
/// # Errors
///
/// If this program's own file is not known.
pub(super) fn start(assignment: &Assignment) -> Result<Child, String> {
    Ok(Child::start_bound(&mut match assignment.plan.cast {
        Cast::Departments => this_program(assignment)?,
        Cast::Languages => its_example(assignment),
    }))
}

/// This program again: its argument `service` leads to [`super::service::serve`].
fn this_program(assignment: &Assignment) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let assignment = serde_json::to_string(assignment).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["service", &assignment]);
    Ok(command)
}

fn its_example(assignment: &Assignment) -> Command {
    let Assignment { plan, service, provider, apportion, start_ns } = assignment;
    let spec = plan.cast.services()[*service];
    let seconds = |ns: u64| format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    let mut command = Command::new(example(spec.team));
    command
        .arg("--json")
        .args(["--workspace", WORKSPACE, "--team", spec.team, "--caller", &format!("{}-1", spec.team)])
        .args(["--provider", &format!("http://{provider}/contacts"), "--workers", &spec.workers.to_string()])
        .args(["--start-at", &seconds(*start_ns), "--seconds", &seconds(plan.length_ns())])
        .args(apportion.iter().flat_map(|address| ["--apportion".into(), format!("http://{address}")]));
    command
}

fn example(language: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../client/{language}/examples/run"))
}

/// What a line of a service's output says of a request. None where it says something else.
pub(super) fn outcome(plan: &Plan, line: &str) -> Option<Outcome> {
    match plan.cast {
        Cast::Departments => serde_json::from_str(line).ok(),
        Cast::Languages => {
            let Reported { at_ns, took_us, status } = serde_json::from_str(line).ok()?;
            Some(Outcome {
                issued_ns: at_ns,
                waited_us: took_us.saturating_sub(plan.rules.latency_ms * 1000),
                throttled: u32::from(status == 429),
                is_accepted: status == 200,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Rules;

    #[test]
    fn an_example_waited_for_what_the_provider_did_not_take() {
        let plan = Plan::new(Cast::Languages, Rules::default(), 10);
        let outcome = |line| outcome(&plan, line).map(|outcome| (outcome.waited_us, outcome.is_accepted));
        let line = r#"{"at_ns": 7, "took_us": 92000, "status": 200}"#;
        assert_eq!(outcome(line), Some((2000, true)));
        assert_eq!(
            outcome(r#"{"at_ns": 7, "took_us": 5, "status": 0, "error": "refused"}"#),
            Some((0, false))
        );
        assert_eq!(outcome("listening"), None);
    }
}
