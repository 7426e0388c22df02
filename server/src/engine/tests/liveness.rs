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
    let ask = Ask { priority: Some(Priority::Critical), ..world.request("default", 5).ask };
    let asked = world.engine.acquire(Request { ask, ..world.request("default", 5) });
    let begun = std::time::Instant::now();
    world.answer(asked).await.expect("an edge permit");
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}
