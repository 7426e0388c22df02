//! Threads that call the engine without a network: the cost of contention for the lock of one workspace, against many workspaces.

use crate::load::{permits, policy, team};
use crate::measure::median;
use crate::row::row;
use crate::service::fill;
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, NodeId, TeamId, WorkspaceId};
use apportion_core::ledger::Horizon;
use apportion_core::permits::Permits;
use apportion_core::time::Span;
use apportion_server::clock::{Clock, Machine};
use apportion_server::engine::{Acquire, Acquired, Engine, EngineSettings, LeaseReport, Serving, Versioned};
use apportion_server::store::catalog::Catalog;
use apportion_server::store::{Embedded, Store};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The length of one measurement, and how many are made.
const SPAN: Duration = Duration::from_millis(500);
const RUNS: usize = 5;
const MANY: usize = 1_000;

/// Prints the figures of one thread and two, on one workspace and on many.
pub(crate) fn rows() {
    println!();
    println!("{:<52} {:>14}   aim", "threads that acquire and settle, no network", "measured");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let _entered = runtime.as_ref().expect("a runtime").enter();
    let data = tempfile::tempdir().expect("a directory");
    fill(data.path(), MANY);
    let store: Arc<dyn Store> = Arc::new(Embedded::open(data.path()).expect("a store"));
    let served = workspaces(&store);
    let ids: Vec<_> = served.iter().map(|(id, _)| id.clone()).collect();
    let engine = start(store, served);
    for (what, ids) in [("one workspace", &ids[..1]), ("1000 workspaces", &ids[..])] {
        let [one, two] = [1, 2].map(|threads| {
            asked(&engine, ids, threads);
            median((0..RUNS).map(|_| asked(&engine, ids, threads)).collect())
        });
        row(&format!("leases a second, {what}, one thread"), format!("{:.0} k", one / 1e3), "");
        row("  two threads", format!("{:.0} k, {:.2}", two / 1e3, two / one), "");
    }
    engine.stop();
}

/// The workspaces of the store, each with a budget that outlasts the run.
fn workspaces(store: &Arc<dyn Store>) -> Vec<(WorkspaceId, Versioned)> {
    let policy = policy(Permits::MAX.get(), vec![team("team", None, 1)]);
    let mut all = Vec::new();
    let read = Catalog::new(Arc::clone(store), 1_000).load(|id, kept| {
        let versioned = Versioned { policy: policy.clone(), version: kept.revision };
        all.push((WorkspaceId::new(id).expect("a name"), versioned));
    });
    read.expect("a readable store");
    all
}

fn start(store: Arc<dyn Store>, workspaces: Vec<(WorkspaceId, Versioned)>) -> Engine {
    let settings = EngineSettings {
        node: NodeId::new("bench").expect("a name"),
        horizon: Horizon::DEFAULT,
        bounds: Bounds::DEFAULT,
        shards: 64,
        serving: Serving::Everything,
    };
    let clock = Arc::new(Clock::new(Box::new(Machine), Horizon::DEFAULT.clock_error));
    Engine::start(settings, clock, store, workspaces).expect("an engine")
}

/// Leases a second of so many threads, each of which uses every workspace in turn.
fn asked(engine: &Engine, ids: &[WorkspaceId], threads: usize) -> f64 {
    let begun = Instant::now();
    let leases: u64 = thread::scope(|scope| {
        let ask = |n| scope.spawn(move || ask_in_turn(engine, ids, n, begun + SPAN));
        let all: Vec<_> = (0..threads).map(ask).collect();
        all.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
    });
    leases as f64 / begun.elapsed().as_secs_f64()
}

fn ask_in_turn(engine: &Engine, ids: &[WorkspaceId], thread: usize, until: Instant) -> u64 {
    let requests: Vec<_> = ids.iter().map(|id| request(id, thread)).collect();
    let mut leases = 0;
    // Each thread begins elsewhere, so that they contend only where there is one workspace.
    for at in (thread * ids.len() / 2..).map(|at| at % ids.len()) {
        if leases % 64 == 0 && Instant::now() >= until {
            break;
        }
        leases += 1;
        let Acquire { workspace, team, caller, .. } = requests[at].clone();
        // Refused while a block is being booked: the next request gets it.
        let Ok(Acquired::Granted(granted)) = engine.acquire(requests[at].clone(), None) else { continue };
        let report = LeaseReport {
            workspace,
            team,
            caller,
            lease_id: &granted.name.to_string(),
            used: permits(1),
            returned: Permits::ZERO,
            is_final: true,
            observations: Vec::new(),
        };
        engine.settle(&report).expect("a lease of that caller");
    }
    leases
}

/// A request of a thread for one permit, now or never.
fn request(workspace: &WorkspaceId, thread: usize) -> Acquire {
    Acquire {
        workspace: workspace.clone(),
        team: TeamId::new("team").expect("a name"),
        caller: CallerId::new(&format!("thread-{thread}")).expect("a name"),
        priority: None,
        permits: permits(1),
        min_permits: permits(1),
        max_wait: Some(Span::ZERO),
        request_id: None,
    }
}
