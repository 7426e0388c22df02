//! What is counted as used.

use super::*;

/// What a team used since that was last asked for any team.
fn used(world: &World) -> impl Fn(&str) -> UsageCounts + use<> {
    let rows: Vec<_> = world.engine.take_usage().into_iter().flat_map(|(_, rows)| rows).collect();
    move |team| {
        let mut counts = UsageCounts::default();
        rows.iter().filter(|(key, _)| key.team == team).for_each(|(_, more)| counts.add(more));
        counts
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_back_is_counted_whether_it_was_returned_or_reached_nobody() {
    let world = World::new(10);
    let name = world.granted("default", 10).await.name.to_string();
    let waiting = world.ask("other", 4, Span::from_secs(3_600), None).expect("it may wait");
    assert_eq!(world.settle(&name, "default", 0, 10), Ok(10));
    drop(waiting);
    let used_by = used(&world);
    for (team, permits) in [("default", 10), ("other", 4)] {
        let counts = used_by(team);
        assert_eq!((counts.granted_requests, counts.granted_permits), (1, permits), "{team}");
        assert_eq!(counts.returned_permits, permits, "{team}");
    }
    assert_eq!(used(&world)("default"), UsageCounts::default(), "it was taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_and_its_repeats_are_counted_once() {
    let world = World::new(10);
    let name = world.granted("default", 10).await.name.to_string();
    let calls =
        [0, 1].map(|_| world.ask("other", 4, Span::from_secs(3_600), Some("r")).expect("it may wait"));
    assert_eq!(world.settle(&name, "default", 0, 10), Ok(10));
    for call in calls {
        world.answer(Ok(call)).await.expect("both get the lease");
    }
    world.answer(world.ask("other", 4, Span::ZERO, Some("r"))).await.expect("the same lease");
    let counts = used(&world)("other");
    assert_eq!((counts.granted_requests, counts.granted_permits), (1, 4));
    assert_eq!((counts.waited_requests, counts.returned_permits), (1, 0));
}
