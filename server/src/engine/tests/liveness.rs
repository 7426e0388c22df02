//! Single events that must stop nobody for long.

use super::*;
use apportion_core::priority::Priority;

/// A world fifty minutes into an hour whose last twenty are its guard; urgent requests may have edge permits.
fn inside_a_long_guard() -> World {
    let mut policy = policy(100);
    policy.limits[0].margins.guard = Span::from_secs(1_200);
    policy.edge[Priority::Critical] = true;
    policy.teams[0].highest_priority = Priority::Critical;
    let world = World::new(100);
    world.clock.slept_ns.store(49 * 60_000_000_000, Ordering::SeqCst);
    world.engine.put(&id(), Versioned { policy, version: keep(&world.store) }).expect("a policy");
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_permit_is_granted_all_along_a_long_guard() {
    let world = inside_a_long_guard();
    let request = Acquire { priority: Some(Priority::Critical), ..world.request("default", 5) };
    let asked = world.engine.acquire(request, None);
    let begun = std::time::Instant::now();
    world.answer(asked).await.expect("an edge permit");
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}

/// The answer that a place to wait at has already.
fn answer_now(acquired: Acquired) -> Option<Result<Granted, Error>> {
    match acquired {
        Acquired::Granted(granted) => Some(Ok(granted)),
        Acquired::Pending(waiting) => futures_util::FutureExt::now_or_never(waiting),
    }
}

/// A store that takes nothing lets a request wait for a block; then its time passes, and no timer knows it yet.
async fn with_one_whose_time_is_over() -> (World, Acquired) {
    let world = World::new(320);
    let repeated = world.ask("default", 1, Span::from_secs(1), Some("r"));
    world.answer(repeated).await.expect("it is granted");
    world.store.set_faults(Faults { writes_refused: true, reads_fail: true, ..Faults::default() });
    let waits = world.ask("other", 300, Span::from_secs(100), None).expect("it may wait");
    assert!(matches!(waits, Acquired::Pending(_)));
    world.clock.slept_ns.store(101_000_000_000, Ordering::SeqCst);
    (world, waits)
}

#[tokio::test]
async fn whatever_lets_time_pass_answers_those_whose_time_it_was() {
    let (world, waits) = with_one_whose_time_is_over().await;
    let again = world.ask("default", 1, Span::ZERO, Some("r")).expect("the same lease");
    assert!(matches!(again, Acquired::Granted(_)));
    assert!(matches!(answer_now(waits), Some(Err(Error::Refused { .. }))), "after a repeat");

    let (world, waits) = with_one_whose_time_is_over().await;
    assert!(world.ask("default", 400, Span::ZERO, None).is_err(), "it is too large");
    assert!(matches!(answer_now(waits), Some(Err(Error::Refused { .. }))), "after a refusal");

    let (world, waits) = with_one_whose_time_is_over().await;
    let Ok(Acquired::Granted(lease)) = world.ask("default", 1, Span::ZERO, Some("r")) else { panic!() };
    drop(answer_now(waits));
    let waits = world.ask("other", 300, Span::from_secs(100), None).expect("it may wait");
    world.clock.slept_ns.store(202_000_000_000, Ordering::SeqCst);
    assert!(world.settle(&lease.name.to_string(), "default", 1, 1).is_err(), "it is more than was granted");
    assert!(matches!(answer_now(waits), Some(Err(Error::Refused { .. }))), "after a report that was refused");

    let (world, waits) = with_one_whose_time_is_over().await;
    world.engine.snapshot(&id()).expect("it is served");
    assert!(matches!(answer_now(waits), Some(Err(Error::Refused { .. }))), "after a look");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_under_a_request_id_that_nobody_heard_of_goes_back_and_the_id_is_free() {
    let world = World::new(10);
    let name = world.granted("default", 10).await.name.to_string();
    let first = world.ask("other", 10, Span::from_secs(3_600), Some("r")).expect("it may wait");
    let second = world.ask("other", 10, Span::from_secs(3_600), Some("r")).expect("it joins");
    assert_eq!(world.settle(&name, "default", 0, 10), Ok(10));
    assert_eq!(world.waits(), 0, "both are granted");
    drop(first);
    assert!(world.ask("default", 1, Span::ZERO, None).is_err(), "one of two may still hear of it");
    drop(second);
    let granted = world.granted("other", 4).await;
    let repeat = world.ask("other", 6, Span::ZERO, Some("r"));
    let again = world.answer(repeat).await.expect("a request of its own: other content is no mistake");
    assert_ne!(again.lease.id, granted.lease.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_a_repeat_heard_of_stays() {
    let world = World::new(10);
    let name = world.granted("default", 10).await.name.to_string();
    let waiting = world.ask("other", 10, Span::from_secs(3_600), Some("r")).expect("it may wait");
    assert_eq!(world.settle(&name, "default", 0, 10), Ok(10));
    let repeat = world.answer(world.ask("other", 10, Span::ZERO, Some("r"))).await.expect("its lease");
    drop(waiting);
    assert!(world.ask("default", 1, Span::ZERO, None).is_err(), "who repeated it may use it");
    assert_eq!(world.settle(&repeat.name.to_string(), "other", 0, 10), Ok(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_makes_a_workspace_may_acquire_in_it_at_once() {
    let world = Arc::new(World::new(10));
    let made = (0..200).map(|n| {
        let world = Arc::clone(&world);
        tokio::task::spawn_blocking(move || {
            let workspace = WorkspaceId::new(&format!("w{n}")).expect("a name");
            let puts = vec![(policy_key(workspace.as_str()), Vec::new())];
            let written = world.store.commit(vec![Transaction { puts, ..Transaction::default() }]);
            let [CommitOutcome::Done(version)] = written[..] else { panic!("{written:?}") };
            world.engine.put(&workspace, Versioned { policy: policy(10), version }).expect("a policy");
            let request = Acquire { workspace, ..world.request("default", 1) };
            world.engine.acquire(request, None).map(|_| ())
        })
    });
    for made in made.collect::<Vec<_>>() {
        assert_eq!(made.await.expect("no panic"), Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_panics_closes_its_own_workspace_for_a_moment_and_nothing_else() {
    let world = World::new(40);
    let name = world.granted("default", 40).await.name.to_string();
    let waiting = world.ask("other", 1, Span::from_secs(3_600), None).expect("it may wait");
    let workspace = world.engine.registry.find(&id()).expect("it is served");
    workspace.contain_panic(|workspace| workspace.update(|_| panic!("on purpose")));
    assert!(matches!(answer_now(waiting), Some(Err(Error::Internal(_)))));
    until("it is opened again without being asked", || workspace.is_open()).await;
    assert_eq!(world.settle(&name, "default", 0, 40), Ok(0), "a lease of the life before");
    assert!(futures_util::FutureExt::now_or_never(world.engine.failed()).is_none());
}
