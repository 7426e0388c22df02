//! Stops, crashes, steps of the clock, and workspaces that are opened again: nothing is granted twice.

use super::*;

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
    assert_eq!(
        world.settle("1-1-0000000000000000x", "default", 0, 5),
        Err(Error::Settle(SettleError::NotYours))
    );
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
            matches!(&refused, Error::Refused { refusal, .. } if refusal.reason == Reason::StoreLost),
            "{faults:?}: {refused:?}"
        );
        world.store.set_faults(Faults::default());
        world.granted("default", 320 - booked).await;
        assert!(world.answer(world.ask("default", 1, Span::from_ms(1), None)).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_the_clock_stops_grants_until_it_is_steady_and_spends_what_was_open() {
    let world = World::new(10);
    world.granted("default", 1).await;
    let waiting = world.ask("other", 10, Span::from_secs(3_600), None).expect("it may wait");
    world.clock.step_ns.store(30_000_000_000, Ordering::SeqCst);
    assert_eq!(world.answer(Ok(waiting)).await, Err(Error::ClockUnsteady));
    let asked = |wait| world.ask("default", 1, wait, None);
    assert!(matches!(asked(Span::ZERO), Err(Error::ClockUnsteady)));
    until("the clock is trusted again", || world.engine.clock().is_steady()).await;
    let refused = world.answer(asked(Span::ZERO)).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}: the open window is spent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_is_made_while_the_clock_is_unsteady_waits_for_it_too() {
    let world = World::new(10);
    world.clock.step_ns.store(30_000_000_000, Ordering::SeqCst);
    until("the step is seen", || !world.engine.clock().is_steady()).await;
    world.engine.remove(&id());
    world.engine.put(&id(), Versioned { policy: policy(10), version: keep(&world.store) }).expect("a policy");
    let asked = || world.ask("default", 1, Span::ZERO, None);
    until("it is told why", || matches!(asked(), Err(Error::ClockUnsteady))).await;
    until("the clock is trusted again", || world.engine.clock().is_steady()).await;
    let refused = world.answer(asked()).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}: the open window is spent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_panic_in_a_decision_the_workspace_reopens_and_grants_nothing_twice() {
    let world = World::new(40);
    world.granted("default", 30).await;
    let workspace = world.engine.registry.find(&id()).expect("it is served");
    let broken = std::thread::spawn(move || workspace.update(|_| panic!("on purpose")));
    assert!(broken.join().is_err());
    assert!(matches!(world.ask("default", 1, Span::ZERO, None), Err(Error::Internal(_))));
    until("it opens again", || {
        world.ask("default", 100, Span::ZERO, None).is_err_and(|error| !matches!(error, Error::Internal(_)))
    })
    .await;
    let mut granted = 0;
    while world.answer(world.ask("default", 1, Span::from_ms(100), None)).await.is_ok() {
        granted += 1;
    }
    assert!((1..=10).contains(&granted), "{granted} more were granted");
}

/// Its ids begin again, so a report about an earlier lease must not count for the one that has its id now.
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
async fn draining_refuses_new_requests_and_stopping_answers_waiting_ones() {
    let world = World::new(10);
    world.granted("default", 10).await;
    let waiting = world.ask("other", 1, Span::from_secs(3_600), None).expect("it may wait");
    world.engine.drain();
    assert!(matches!(world.ask("default", 1, Span::ZERO, None), Err(Error::Draining)));
    world.engine.stop();
    assert_eq!(world.answer(Ok(waiting)).await, Err(Error::Draining));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_workspace_is_unknown_and_one_that_comes_back_starts_from_its_marks() {
    let world = World::new(10);
    world.granted("default", 6).await;
    world.engine.remove(&id());
    assert!(matches!(world.ask("default", 1, Span::ZERO, None), Err(Error::UnknownWorkspace)));
    world.engine.put(&id(), Versioned { policy: policy(10), version: keep(&world.store) }).expect("a policy");
    until("it is served", || !world.engine.snapshot(&id()).expect("it is there").limits.is_empty()).await;
    let mut granted = 0;
    while world.answer(world.ask("default", 1, Span::from_ms(100), None)).await.is_ok() {
        granted += 1;
    }
    assert!(granted <= 4, "{granted} more were granted");
}
