//! The engine over a store in memory that fails on demand, on real time: windows are long, so that none ends meanwhile.

mod claims;
mod liveness;
mod requests;
mod restarts;
mod usage;

use super::*;
use crate::clock::{Clock, Machine, Source};
use crate::faulty::{Faults, FaultyStore};
use crate::store::catalog::policy_key;
use crate::store::{CommitOutcome, Transaction};
use apportion_core::allocator::SettleError;
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, LimitId, NodeId, RequestId, TeamId};
use apportion_core::ledger::Horizon;
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, TeamPolicy};
use apportion_core::request::Reason;
use apportion_core::time::Span;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use waiters::WAITERS_PER_REQUEST;

const HOUR: Span = Span::from_secs(3600);
/// Long enough for a machine that is busy; a test that waits so long has failed.
const SOON: Duration = Duration::from_secs(10);

/// The machine's clock, in a window that has just begun; a test can set its wall clock, and let time pass unnoticed.
#[derive(Clone)]
struct Early {
    shift_ns: i64,
    step_ns: Arc<AtomicI64>,
    slept_ns: Arc<AtomicI64>,
}

impl Early {
    fn new() -> Self {
        // A minute into an hour: past the start margin, far from the guard.
        let into_hour = i64::try_from(Machine.wall_ns() % HOUR.as_ns()).expect("less than an hour");
        Self { shift_ns: 60_000_000_000 - into_hour, step_ns: Arc::default(), slept_ns: Arc::default() }
    }
}

impl Source for Early {
    fn wall_ns(&self) -> u64 {
        let slept_ns = self.slept_ns.load(Ordering::SeqCst);
        let shift_ns = self.shift_ns + self.step_ns.load(Ordering::SeqCst) + slept_ns;
        Machine.wall_ns().saturating_add_signed(shift_ns)
    }

    fn boot_ns(&self) -> u64 {
        Machine.boot_ns().saturating_add_signed(self.slept_ns.load(Ordering::SeqCst))
    }
}

struct World {
    store: Arc<FaultyStore>,
    engine: Engine,
    clock: Early,
}

fn id() -> WorkspaceId {
    WorkspaceId::new("default").expect("a name")
}

fn team(id: &str) -> TeamId {
    TeamId::new(id).expect("a name")
}

fn permits(n: u64) -> Permits {
    Permits::clamped(n)
}

fn policy(budget: u64) -> Policy {
    let limit = LimitPolicy {
        id: LimitId::new("per-hour").expect("a name"),
        permits: permits(budget),
        window: HOUR,
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    let teams = vec![TeamPolicy::new(team("default")), TeamPolicy::new(team("other"))];
    Policy { largest_lease: Some(permits(budget)), ..Policy::plain(limit, teams) }
}

/// Writes the revision of the workspace's policy, which bookings compare.
fn keep(store: &FaultyStore) -> u64 {
    let puts = vec![(policy_key(id().as_str()), Vec::new())];
    match store.commit(vec![Transaction { puts, ..Transaction::default() }]).pop() {
        Some(CommitOutcome::Done(version)) => version,
        other => panic!("{other:?}"),
    }
}

fn start(store: &Arc<FaultyStore>, budget: u64, clock: Early) -> Engine {
    let version = keep(store);
    let settings = EngineSettings {
        node: NodeId::new("node").expect("a name"),
        horizon: Horizon::DEFAULT,
        bounds: Bounds::DEFAULT,
        shards: 4,
        serving: Serving::Everything,
    };
    let clock = Arc::new(Clock::new(Box::new(clock), Horizon::DEFAULT.clock_error));
    let served = vec![(id(), Versioned { policy: policy(budget), version })];
    Engine::start(settings, clock, Arc::clone(store) as Arc<dyn Store>, served).expect("it starts")
}

impl World {
    fn new(budget: u64) -> Self {
        let (store, clock) = (Arc::new(FaultyStore::new(1)), Early::new());
        let engine = start(&store, budget, clock.clone());
        Self { store, engine, clock }
    }

    /// Ends this process by force: nothing is handed back.
    fn crash_and_restart(self, budget: u64) -> Self {
        let Self { store, engine, clock } = self;
        std::mem::forget(engine);
        let engine = start(&store, budget, clock.clone());
        Self { store, engine, clock }
    }

    fn ask(&self, of: &str, n: u64, wait: Span, request_id: Option<&str>) -> Result<Acquired, Error> {
        let request_id = request_id.map(|id| RequestId::new(id).expect("a name"));
        let request = Acquire { max_wait: Some(wait), request_id, ..self.request(of, n) };
        self.engine.acquire(request, None)
    }

    fn request(&self, of: &str, n: u64) -> Acquire {
        Acquire {
            workspace: id(),
            team: team(of),
            caller: CallerId::new("caller").expect("a name"),
            priority: None,
            permits: permits(n),
            min_permits: permits(n),
            max_wait: None,
            request_id: None,
        }
    }

    async fn granted(&self, of: &str, n: u64) -> Granted {
        self.answer(self.ask(of, n, Span::from_secs(600), None)).await.expect("it is granted")
    }

    async fn answer(&self, acquired: Result<Acquired, Error>) -> Result<Granted, Error> {
        match acquired? {
            Acquired::Granted(granted) => Ok(granted),
            Acquired::Pending(waiting) => {
                tokio::time::timeout(SOON, waiting).await.expect("an answer comes soon")
            }
        }
    }

    fn settle(&self, lease: &str, of: &str, used: u64, returned: u64) -> Result<u64, Error> {
        let report = LeaseReport {
            workspace: id(),
            team: team(of),
            caller: CallerId::new("caller").expect("a name"),
            lease_id: lease,
            used: permits(used),
            returned: permits(returned),
            is_final: true,
            observations: Vec::new(),
        };
        self.engine.settle(&report).map(|settled| settled.accepted.get().into())
    }

    fn booked(&self) -> u64 {
        self.engine.snapshot(&id()).expect("it is served").limits[0].booked.get().into()
    }

    fn waits(&self) -> usize {
        self.engine.snapshot(&id()).expect("it is served").waiting_requests
    }
}

/// Waits until `is_so`, which the engine's own threads bring about.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + SOON;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "{what} did not happen");
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
