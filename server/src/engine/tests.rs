//! The engine over a store in memory that fails on demand, on real time: windows are long, so that none ends meanwhile.

mod liveness;

use super::*;
use crate::clock::{Clock, Machine, Source};
use crate::faulty::{Faults, FaultyStore};
use crate::store::catalog::workspace_key;
use crate::store::{CommitOutcome, Transaction};
use apportion_core::ids::{CallerId, LimitId, RequestId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, TeamPolicy};
use apportion_core::request::{Ask, Reason};
use apportion_core::time::{Span, Timestamp};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

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

/// Writes the workspace's document, so that bookings find the version that they rest on.
fn keep(store: &FaultyStore) -> u64 {
    let puts = vec![(workspace_key(id().as_str()), Vec::new())];
    match store.commit(vec![Transaction { puts, ..Transaction::default() }]).pop() {
        Some(CommitOutcome::Done(version)) => version,
        other => panic!("{other:?}"),
    }
}

fn start(store: &Arc<FaultyStore>, budget: u64, clock: Early) -> Engine {
    let version = keep(store);
    let settings = Settings {
        node: NodeId::new("node").expect("a name"),
        horizon: Horizon::DEFAULT,
        bounds: Bounds::DEFAULT,
        shards: 4,
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

    fn ask(&self, of: &str, n: u64, wait: Span, request_id: Option<&str>) -> Result<Acquired, Refused> {
        let mut request = self.request(of, n);
        request.ask.request_id = request_id.map(|id| RequestId::new(id).expect("a name"));
        self.engine.acquire(Request { max_wait: Some(wait), ..request })
    }

    fn request(&self, of: &str, n: u64) -> Request {
        Request {
            workspace: id(),
            ask: Ask {
                team: team(of),
                caller: CallerId::new("caller").expect("a name"),
                priority: None,
                permits: permits(n),
                min_permits: permits(n),
                deadline: Timestamp::MAX,
                request_id: None,
            },
            max_wait: None,
            longest_wait: None,
        }
    }

    async fn granted(&self, of: &str, n: u64) -> Granted {
        self.answer(self.ask(of, n, Span::from_secs(600), None)).await.expect("it is granted")
    }

    async fn answer(&self, acquired: Result<Acquired, Refused>) -> Result<Granted, Refused> {
        match acquired? {
            Acquired::Granted(granted) => Ok(granted),
            Acquired::Waits(waiting) => {
                tokio::time::timeout(SOON, waiting).await.expect("an answer comes soon")
            }
        }
    }

    fn settle(&self, lease: &str, of: &str, used: u64, returned: u64) -> Result<u64, Refused> {
        let caller = CallerId::new("caller").expect("a name");
        let report = Report {
            workspace: &id(),
            team: &team(of),
            caller: &caller,
            lease,
            used: permits(used),
            returned: permits(returned),
            is_final: true,
            observe: &|_, _, _| Ok(Vec::new()),
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_granted_out_of_a_booked_block_and_its_rest_goes_to_others() {
    let world = World::new(10);
    let lease = world.granted("default", 10).await;
    let name = lease.name.to_string();
    let waiting = world.ask("other", 4, Span::from_secs(3_600), None).expect("it may wait");
    assert!(matches!(waiting, Acquired::Waits(_)));
    assert_eq!(world.settle(&name, "other", 0, 6), Err(Refused::NotYourLease));
    assert_eq!(world.settle(&name, "default", 4, 6), Ok(6));
    assert_eq!(world.answer(Ok(waiting)).await.expect("it is granted").lease.permits, permits(4));
    assert_eq!(world.booked(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn now_or_never_waits_for_a_block_and_for_nothing_else() {
    let world = World::new(200);
    let now_or_never = |n| world.ask("default", n, Span::ZERO, None);
    world.answer(now_or_never(150)).await.expect("what is not booked yet is there all the same");
    world.answer(now_or_never(50)).await.expect("so is the rest");
    let refused = world.answer(now_or_never(1)).await.expect_err("the window is spent");
    let Refused::ByRule(refusal, _) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.reason, Reason::DeadlineTooShort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crashed_process_had_booked_is_never_granted_again() {
    let mut world = World::new(40);
    let mut granted = 0;
    for _ in 0..8 {
        while world.answer(world.ask("default", 1, Span::ZERO, None)).await.is_ok() {
            granted += 1;
            if granted % 5 == 0 {
                break;
            }
        }
        world = world.crash_and_restart(40);
    }
    while world.answer(world.ask("default", 1, Span::from_ms(50), None)).await.is_ok() {
        granted += 1;
    }
    assert!(granted <= 40, "{granted} of 40 permits were granted");
    assert!(granted >= 20, "only {granted} were: a crash wastes a block at most");
    assert_eq!(world.booked(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_stop_wastes_nothing() {
    let world = World::new(40);
    let World { store, engine, clock } = world;
    let world = World { store: Arc::clone(&store), engine, clock: clock.clone() };
    for _ in 0..7 {
        world.granted("default", 1).await;
    }
    world.engine.stop();
    let engine = start(&store, 40, clock.clone());
    let world = World { store, engine, clock };
    assert_eq!(world.granted("default", 33).await.lease.left, Permits::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_of_an_earlier_life_is_settled_with_nothing_returned() {
    let world = World::new(10);
    let name = world.granted("default", 5).await.name.to_string();
    let world = world.crash_and_restart(10);
    assert_eq!(world.settle(&name, "default", 0, 5), Ok(0));
    assert_eq!(world.settle("1-1-0000000000000000x", "default", 0, 5), Err(Refused::NotYourLease));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_leaves_the_queue() {
    let world = World::new(10);
    world.granted("default", 10).await;
    let waiting = world.ask("other", 4, Span::from_secs(3_600), None).expect("it may wait");
    assert_eq!(world.waits(), 1);
    drop(waiting);
    assert_eq!(world.waits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_nobody_took_goes_back() {
    let world = World::new(10);
    let name = world.granted("default", 10).await.name.to_string();
    let waiting = world.ask("other", 4, Span::from_secs(3_600), None).expect("it may wait");
    assert_eq!(world.settle(&name, "default", 0, 10), Ok(10));
    assert_eq!(world.waits(), 0, "it was granted");
    drop(waiting);
    assert_eq!(world.granted("default", 10).await.lease.permits, permits(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_joins_the_one_that_waits_and_keeps_it_waiting() {
    let world = World::new(10);
    let name = world.granted("default", 10).await.name.to_string();
    let first = world.ask("other", 4, Span::from_secs(3_600), Some("r")).expect("it may wait");
    let repeat = world.ask("other", 4, Span::from_secs(3_600), Some("r")).expect("it may wait");
    assert_eq!(world.waits(), 1);
    drop(first);
    assert_eq!(world.waits(), 1, "the repeat still waits");
    assert_eq!(world.settle(&name, "default", 0, 10), Ok(10));
    let lease = world.answer(Ok(repeat)).await.expect("it is granted").lease;
    let again = world.answer(world.ask("other", 4, Span::ZERO, Some("r"))).await.expect("the same");
    assert_eq!(again.lease.id, lease.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_repeats_join_and_one_that_leaves_makes_room() {
    let world = World::new(10);
    let name = world.granted("default", 10).await.name.to_string();
    let ask = || world.ask("other", 4, Span::from_secs(3_600), Some("r"));
    let mut waiting: Vec<_> =
        (0..waiters::WAITERS_PER_REQUEST).map(|_| ask().expect("it may wait")).collect();
    let refused = || match ask() {
        Err(Refused::ByRule(refusal, _)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused().reason, Reason::CallerQueueFull);
    assert!(refused().retry_at.is_some());
    waiting.swap_remove(0);
    waiting.push(ask().expect("one has left"));
    assert_eq!(refused().reason, Reason::CallerQueueFull);
    waiting.truncate(1);
    assert_eq!(world.waits(), 1, "the last one still waits");
    assert_eq!(world.settle(&name, "default", 0, 10), Ok(10));
    world.answer(waiting.pop().ok_or(Refused::Internal)).await.expect("it is granted");
    assert_eq!(world.waits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_store_it_grants_what_is_booked_then_refuses_and_goes_on_when_the_store_is_back() {
    for faults in [
        Faults { writes_refused: true, ..Faults::default() },
        Faults { writes_lost: true, ..Faults::default() },
        Faults { replies_lost: true, ..Faults::default() },
        Faults { reads_fail: true, writes_refused: true, ..Faults::default() },
    ] {
        let world = World::new(320);
        world.granted("default", 1).await;
        let booked = world.booked();
        assert!((2..320).contains(&booked), "{booked} are booked");
        world.store.set_faults(faults);
        for _ in 1..booked {
            world.granted("default", 1).await;
        }
        let refused =
            world.answer(world.ask("default", 1, Span::from_ms(600), None)).await.expect_err("no block");
        assert!(
            matches!(&refused, Refused::ByRule(refusal, _) if refusal.reason == Reason::StoreLost),
            "{faults:?}: {refused:?}"
        );
        world.store.set_faults(Faults::default());
        world.granted("default", 320 - booked).await;
        assert!(world.answer(world.ask("default", 1, Span::from_ms(1), None)).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_in_force_for_those_who_wait() {
    let world = World::new(10);
    let mut paused = policy(10);
    paused.teams[1].cap = Some(permits(1));
    let version = keep(&world.store);
    world.engine.put(&id(), Versioned { policy: paused, version }).expect("a policy");
    let waiting = world.ask("other", 1, Span::from_secs(600), None).expect("it may wait");
    world.answer(Ok(waiting)).await.expect("within its cap");
    let waiting = world.ask("other", 1, Span::from_secs(3_600), None);
    let Ok(waiting @ Acquired::Waits(_)) = waiting else { panic!("{waiting:?}") };
    world.engine.put(&id(), Versioned { policy: policy(10), version: keep(&world.store) }).expect("a policy");
    world.answer(Ok(waiting)).await.expect("its cap is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_the_clock_stops_grants_until_it_is_steady_and_spends_what_was_open() {
    let world = World::new(10);
    world.granted("default", 1).await;
    let waiting = world.ask("other", 10, Span::from_secs(3_600), None).expect("it may wait");
    world.clock.step_ns.store(30_000_000_000, Ordering::SeqCst);
    assert_eq!(world.answer(Ok(waiting)).await, Err(Refused::ClockUnsteady));
    let asked = |wait| world.ask("default", 1, wait, None);
    assert!(matches!(asked(Span::ZERO), Err(Refused::ClockUnsteady)));
    until("the clock is trusted again", || world.engine.clock().is_steady()).await;
    let refused = world.answer(asked(Span::ZERO)).await;
    assert!(matches!(refused, Err(Refused::ByRule(..))), "{refused:?}: the open window is spent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_is_made_while_the_clock_is_unsteady_waits_for_it_too() {
    let world = World::new(10);
    world.clock.step_ns.store(30_000_000_000, Ordering::SeqCst);
    until("the step is seen", || !world.engine.clock().is_steady()).await;
    world.engine.remove(&id());
    world.engine.put(&id(), Versioned { policy: policy(10), version: keep(&world.store) }).expect("a policy");
    let asked = || world.ask("default", 1, Span::ZERO, None);
    until("it is told why", || matches!(asked(), Err(Refused::ClockUnsteady))).await;
    until("the clock is trusted again", || world.engine.clock().is_steady()).await;
    let refused = world.answer(asked()).await;
    assert!(matches!(refused, Err(Refused::ByRule(..))), "{refused:?}: the open window is spent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_panic_in_a_decision_the_workspace_starts_anew_and_grants_nothing_twice() {
    let world = World::new(40);
    world.granted("default", 30).await;
    let workspace = world.engine.parts.find(&id()).expect("it is served");
    let parts = Arc::clone(&world.engine.parts);
    let broken = std::thread::spawn(move || workspace.with(&parts, |_| panic!("on purpose")));
    assert!(broken.join().is_err());
    assert!(matches!(world.ask("default", 1, Span::ZERO, None), Err(Refused::Internal)));
    until("it starts anew", || {
        world.ask("default", 100, Span::ZERO, None).is_err_and(|refused| refused != Refused::Internal)
    })
    .await;
    let mut granted = 0;
    while world.answer(world.ask("default", 1, Span::from_ms(100), None)).await.is_ok() {
        granted += 1;
    }
    assert!((1..=10).contains(&granted), "{granted} more were granted");
}

/// Its ids begin anew, so a report about an earlier lease must not count for the one that has its id now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_of_before_the_workspace_was_opened_again_is_settled_with_nothing_returned() {
    let world = World::new(40);
    let before = world.granted("default", 6).await.name.to_string();
    world.engine.remove(&id());
    world.engine.put(&id(), Versioned { policy: policy(40), version: keep(&world.store) }).expect("a policy");
    until("it is served", || !world.engine.snapshot(&id()).expect("it is there").limits.is_empty()).await;
    let after = world.granted("default", 6).await.name.to_string();
    assert_eq!(world.settle(&before, "default", 0, 6), Ok(0));
    assert_eq!(world.settle(&after, "default", 0, 6), Ok(6), "it was nobody else's to give back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_drains_refuses_newcomers_and_stopping_answers_those_who_wait() {
    let world = World::new(10);
    world.granted("default", 10).await;
    let waiting = world.ask("other", 1, Span::from_secs(3_600), None).expect("it may wait");
    world.engine.drain();
    assert!(matches!(world.ask("default", 1, Span::ZERO, None), Err(Refused::Draining)));
    world.engine.stop();
    assert_eq!(world.answer(Ok(waiting)).await, Err(Refused::Draining));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_workspace_is_unknown_and_one_that_comes_back_starts_from_its_marks() {
    let world = World::new(10);
    world.granted("default", 6).await;
    world.engine.remove(&id());
    assert!(matches!(world.ask("default", 1, Span::ZERO, None), Err(Refused::UnknownWorkspace)));
    world.engine.put(&id(), Versioned { policy: policy(10), version: keep(&world.store) }).expect("a policy");
    until("it is served", || !world.engine.snapshot(&id()).expect("it is there").limits.is_empty()).await;
    let mut granted = 0;
    while world.answer(world.ask("default", 1, Span::from_ms(100), None)).await.is_ok() {
        granted += 1;
    }
    assert!(granted <= 4, "{granted} more were granted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_has_one_alarm_however_often_its_next_deadline_comes_nearer() {
    let world = World::new(10);
    let parts = &world.engine.parts;
    let (workspace, far) = (parts.find(&id()).expect("it is served"), parts.clock.now() + HOUR);
    for seconds in (0..200).rev() {
        parts.timer.set(far + Span::from_secs(seconds), &workspace);
    }
    assert_eq!(parts.timer.alarms(), 1);
}

/// The timer sleeps a second at most, then it reads the clock: nothing is decided as of an instant that has passed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_that_wakes_late_refuses_what_timed_out_and_grants_out_of_the_window_of_then() {
    let world = World::new(10);
    let first = world.granted("default", 10).await.lease;
    let impatient = world.ask("default", 4, Span::from_secs(4_000), None).expect("it may wait");
    let patient = world.ask("other", 4, Span::from_secs(9_000), None).expect("it may wait");
    assert_eq!(world.waits(), 2);

    // The machine was asleep for two hours: a window came and went in which the impatient one could have been served.
    world.clock.slept_ns.store(2 * i64::try_from(HOUR.as_ns()).expect("a short span"), Ordering::SeqCst);
    let refused = world.answer(Ok(impatient)).await.expect_err("its time was over before the timer woke");
    assert!(matches!(refused, Refused::ByRule(..)), "{refused:?}");
    let late = world.answer(Ok(patient)).await.expect("it waits for longer").lease;
    assert_eq!(late.window_ends_at, first.window_ends_at + HOUR + HOUR);
    assert_eq!((late.permits, late.left), (permits(4), permits(6)), "of the window that nobody used");
}
