//! One service as a process: keeps its workers busy or sends its bursts, reports what became of each request, and exits by itself.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apportion_client::{Config, Quota};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::access::{Access, Attempts};
use super::outcome::Outcome;
use super::plan::{Plan, ServiceSpec};
use crate::process::call::ProviderConnection;
use crate::process::pass;
use crate::provider::realtime_ns;
use crate::random::Random;

/// How long a worker processes a response before it issues the next request.
const WORK: Duration = Duration::from_millis(50);
/// How long the last reports have to reach the server.
const LAST_REPORTS: Duration = Duration::from_secs(2);
/// The workspace that the services share.
pub const WORKSPACE: &str = "demo";

/// What a service process is started with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The plan of the round.
    pub plan: Plan,
    /// Which service of the plan's cast it is.
    pub service: usize,
    /// Where the provider listens.
    pub provider: SocketAddr,
    /// Where Apportion listens; none if the service is on its own.
    pub apportion: Option<SocketAddr>,
    /// When it starts, in nanoseconds since the Unix epoch.
    pub start_ns: u64,
}

/// Runs a service until the round is over or its input ends.
///
/// # Errors
///
/// If the configuration of the client is refused.
pub async fn serve(assignment: Assignment) -> Result<(), String> {
    end_with_input();
    let spec = assignment.plan.cast.services()[assignment.service];
    let access = match assignment.apportion {
        None => Access::Direct,
        Some(address) => {
            let config = Config::new(format!("http://{address}")).workspace(WORKSPACE);
            let config = config.team(spec.team).caller(format!("{}-1", spec.team));
            Access::Leased(Quota::connect(config).map_err(|error| error.to_string())?)
        }
    };
    let service = Arc::new(Service::new(&assignment, spec, access.clone()));
    match spec.workers {
        0 => service.send_bursts(&assignment.plan).await,
        workers => service.keep_busy(workers).await,
    }
    if let Access::Leased(quota) = access {
        let _ = tokio::time::timeout(LAST_REPORTS, quota.close()).await;
    }
    Ok(())
}

/// Exits when the process that started this one closes its input or is gone.
fn end_with_input() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

struct Service {
    team: &'static str,
    provider: SocketAddr,
    access: Access,
    start: Instant,
    end: Instant,
    idle: Mutex<Vec<ProviderConnection>>,
}

impl Service {
    fn new(assignment: &Assignment, spec: ServiceSpec, access: Access) -> Self {
        let start = Instant::now() + Duration::from_nanos(assignment.start_ns.saturating_sub(realtime_ns()));
        let end = start + Duration::from_nanos(assignment.plan.length_ns());
        let provider = assignment.provider;
        Self { team: spec.team, provider, access, start, end, idle: Mutex::default() }
    }

    async fn keep_busy(self: &Arc<Self>, workers: usize) {
        let mut tasks = JoinSet::new();
        for worker in 0..workers {
            let service = Arc::clone(self);
            tasks.spawn(async move {
                let mut random = Random::new(u64::try_from(worker).unwrap_or(0) + 1);
                pass(service.start.saturating_duration_since(Instant::now())).await;
                while Instant::now() < service.end {
                    service.send_one(&mut random).await;
                    pass(WORK).await;
                }
            });
        }
        tasks.join_all().await;
    }

    async fn send_bursts(self: &Arc<Self>, plan: &Plan) {
        let mut open = JoinSet::new();
        for (seed, burst) in plan.bursts().into_iter().enumerate() {
            let at = self.start + Duration::from_millis(burst.at_ms);
            pass(at.saturating_duration_since(Instant::now())).await;
            for request in 0..burst.requests {
                let service = Arc::clone(self);
                let mut random = Random::new(u64::try_from(seed).unwrap_or(0) * 1000 + request);
                open.spawn(async move { service.send_one(&mut random).await });
            }
        }
        open.join_all().await;
    }

    /// Issues one request now, and reports its outcome no later than at the end of the round.
    async fn send_one(&self, random: &mut Random) {
        let (issued, issued_ns) = (Instant::now(), realtime_ns());
        let idle = self.idle().pop();
        let mut connection = idle.unwrap_or_else(|| ProviderConnection::of_team(self.team, self.provider));
        let mut attempts = Attempts::default();
        let sending = self.access.send(&mut connection, random, &mut attempts);
        let is_accepted = tokio::time::timeout_at(self.end.into(), sending).await.is_ok();
        let until = attempts.last_sent.filter(|_| is_accepted).unwrap_or_else(Instant::now);
        let waited = until.saturating_duration_since(issued);
        self.idle().push(connection);
        report(&Outcome {
            issued_ns,
            waited_us: u64::try_from(waited.as_micros()).unwrap_or(u64::MAX),
            throttled: attempts.throttled,
            is_accepted,
        });
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<ProviderConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports to the process that started this one, and exits if that is gone.
fn report(outcome: &Outcome) {
    let line = serde_json::to_string(outcome).expect("plain structs become JSON");
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}
