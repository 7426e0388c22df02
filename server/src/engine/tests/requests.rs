//! Requests for leases: granted, refused, waiting, repeated, withdrawn.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_granted_out_of_a_booked_block_and_its_rest_goes_to_others() {
    let world = World::new(10);
    let lease = world.granted("default", 10).await;
    let name = lease.name.to_string();
    let waiting = world.ask("other", 4, Span::from_secs(3_600), None).expect("it may wait");
    assert!(matches!(waiting, Acquired::Pending(_)));
    assert_eq!(world.settle(&name, "other", 0, 6), Err(Error::Settle(SettleError::NotYours)));
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
    let Error::Refused { refusal, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.reason, Reason::DeadlineTooShort);
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
async fn a_repeat_joins_the_waiting_request_and_keeps_it_waiting() {
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
    let mut waiting: Vec<_> = (0..WAITERS_PER_REQUEST).map(|_| ask().expect("it may wait")).collect();
    let refused = || match ask() {
        Err(Error::Refused { refusal, .. }) => refusal,
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
    world.answer(waiting.pop().ok_or(Error::Cancelled)).await.expect("it is granted");
    assert_eq!(world.waits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_in_force_for_waiting_requests() {
    let world = World::new(10);
    let mut paused = policy(10);
    paused.teams[1].cap = Some(permits(1));
    let version = keep(&world.store);
    world.engine.put(&id(), Versioned { policy: paused, version }).expect("a policy");
    let waiting = world.ask("other", 1, Span::from_secs(600), None).expect("it may wait");
    world.answer(Ok(waiting)).await.expect("within its cap");
    let waiting = world.ask("other", 1, Span::from_secs(3_600), None);
    let Ok(waiting @ Acquired::Pending(_)) = waiting else { panic!("{waiting:?}") };
    world.engine.put(&id(), Versioned { policy: policy(10), version: keep(&world.store) }).expect("a policy");
    world.answer(Ok(waiting)).await.expect("its cap is gone");
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
    assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
    let late = world.answer(Ok(patient)).await.expect("it waits for longer").lease;
    assert_eq!(late.window_ends_at, first.window_ends_at + HOUR + HOUR);
    assert_eq!((late.permits, late.left), (permits(4), permits(6)), "of the window that nobody used");
}
