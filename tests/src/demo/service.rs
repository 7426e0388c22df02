//! One service as a process: keeps its workers busy or sends its bursts, says what became of each request, and ends by itself.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apportion_client::{Config, Quota};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::gate::{Gate, Passage};
use super::note::Note;
use super::plan::{CAST, Plan};
use crate::process::call::Line;
use crate::process::pass;
use crate::provider::realtime_ns;
use crate::random::Random;

/// How long a worker works on a response before it wants the next request.
const WORK: Duration = Duration::from_millis(50);
/// How long reports have to reach the server after the end.
const LAST_REPORTS: Duration = Duration::from_secs(2);
/// The workspace that the services share.
pub const WORKSPACE: &str = "demo";

/// What a service is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Orders {
    /// What is played.
    pub plan: Plan,
    /// Which of [`CAST`] it is.
    pub role: usize,
    /// Where the provider listens.
    pub provider: SocketAddr,
    /// Where Apportion serves; none where the service is on its own.
    pub apportion: Option<SocketAddr>,
    /// When it begins, in nanoseconds since the epoch.
    pub start_ns: u64,
}

/// Does as it is told, until the time is over or its input ends.
///
/// # Errors
///
/// If the client of Apportion cannot be made.
pub async fn serve(orders: Orders) -> Result<(), String> {
    end_with_input();
    let team = CAST[orders.role].team;
    let gate = match orders.apportion {
        None => Gate::Open,
        Some(address) => {
            let config = Config::new(format!("http://{address}")).workspace(WORKSPACE);
            let config = config.team(team).caller(format!("{team}-1"));
            Gate::Leased(Quota::connect(config).map_err(|error| error.to_string())?)
        }
    };
    let service = Arc::new(Service::new(&orders, gate.clone()));
    match CAST[orders.role].workers {
        0 => service.send_bursts(&orders.plan).await,
        workers => service.keep_busy(workers).await,
    }
    if let Gate::Leased(quota) = gate {
        let _ = tokio::time::timeout(LAST_REPORTS, quota.close()).await;
    }
    Ok(())
}

/// Ends this process when whoever started it closes its input, or is no more.
fn end_with_input() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

struct Service {
    team: &'static str,
    provider: SocketAddr,
    gate: Gate,
    /// The start and the end, on the clock of this process.
    start: Instant,
    end: Instant,
    /// Lines that are connected and idle.
    lines: Mutex<Vec<Line>>,
}

impl Service {
    fn new(orders: &Orders, gate: Gate) -> Self {
        let start = Instant::now() + Duration::from_nanos(orders.start_ns.saturating_sub(realtime_ns()));
        let end = start + Duration::from_nanos(orders.plan.length_ns());
        let team = CAST[orders.role].team;
        Self { team, provider: orders.provider, gate, start, end, lines: Mutex::default() }
    }

    async fn keep_busy(self: &Arc<Self>, workers: usize) {
        let mut at_work = JoinSet::new();
        for worker in 0..workers {
            let service = Arc::clone(self);
            at_work.spawn(async move {
                let mut random = Random::new(u64::try_from(worker).unwrap_or(0) + 1);
                pass(service.start.saturating_duration_since(Instant::now())).await;
                while Instant::now() < service.end {
                    service.one(&mut random).await;
                    pass(WORK).await;
                }
            });
        }
        at_work.join_all().await;
    }

    async fn send_bursts(self: &Arc<Self>, plan: &Plan) {
        let mut open = JoinSet::new();
        for (seed, burst) in plan.bursts().into_iter().enumerate() {
            let at = self.start + Duration::from_millis(burst.at_ms);
            pass(at.saturating_duration_since(Instant::now())).await;
            for request in 0..burst.requests {
                let service = Arc::clone(self);
                let mut random = Random::new(u64::try_from(seed).unwrap_or(0) * 1000 + request);
                open.spawn(async move { service.one(&mut random).await });
            }
        }
        open.join_all().await;
    }

    /// Sends one request that is wanted now, and says what became of it at the end at the latest.
    async fn one(&self, random: &mut Random) {
        let (wanted, wanted_ns) = (Instant::now(), realtime_ns());
        let mut line = self.lines().pop().unwrap_or_else(|| Line::of_team(self.team, self.provider));
        let mut passage = Passage::default();
        let passing = self.gate.through(&mut line, random, &mut passage);
        let through = tokio::time::timeout_at(self.end.into(), passing).await.is_ok();
        let until = passage.sent.filter(|_| through).unwrap_or_else(Instant::now);
        let waited = until.saturating_duration_since(wanted);
        self.lines().push(line);
        say(&Note {
            wanted_ns,
            waited_us: u64::try_from(waited.as_micros()).unwrap_or(u64::MAX),
            throttled: passage.throttled,
            through,
        });
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says it to whoever started this process; if that is no more, neither is this.
fn say(note: &Note) {
    let line = serde_json::to_string(note).expect("plain structs become JSON");
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}
