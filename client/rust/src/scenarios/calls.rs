//! How many calls permits cost, and that an idle client makes none and holds nothing.

use super::script::{Reply, Script, ms};
use crate::clock::{self, BootInstant};
use crate::config::Fallback;
use crate::request::Request;
use crate::{Observation, PrefetchOptions, Quota};
use std::sync::Arc;
use std::time::Duration;

fn healthy() -> (Quota, Arc<Script>) {
    Script::new(|_, _| (ms(1), Reply::Granted)).quota(Fallback::Deny)
}

fn calls(script: &Script) -> usize {
    script.acquires().len() + script.batches().len()
}

/// Takes permits at a steady rate. Each is used for 30 ms, and an observation is made.
async fn take_steadily(quota: &Quota, every: Duration, permits: u32) -> BootInstant {
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    let mut ticks = tokio::time::interval(every);
    for _ in 0..permits {
        ticks.tick().await;
        let permit = prefetch.permit().await.expect("a permit");
        tokio::spawn(async move {
            tokio::time::sleep(ms(30)).await;
            permit.observe(Observation { status: 200, remaining_permits: Some(9), ..Observation::default() });
        });
    }
    let idle_since = clock::now();
    tokio::time::sleep(ms(2_000)).await;
    idle_since
}

#[tokio::test(start_paused = true)]
async fn a_thousand_permits_in_a_second_cost_at_most_twenty_calls() {
    let (quota, script) = healthy();
    take_steadily(&quota, ms(1), 10_000).await;
    let calls_per_1000 = calls(&script) as f64 / 10.0;
    println!("calls for 1000 permits at 1000 a second: {calls_per_1000}");
    assert!(calls_per_1000 <= 20.0, "{calls_per_1000}");
    let (used, returned) = script.settled();
    assert_eq!((used, used + returned), (10_000, script.granted()));
    let seen: usize =
        script.batches().iter().flat_map(|(_, all)| all).map(|one| one.observations.len()).sum();
    assert_eq!(seen, 10_000, "each observation is sent once");
}

#[tokio::test(start_paused = true)]
async fn at_a_hundred_permits_a_second_a_call_still_serves_several() {
    let (quota, script) = healthy();
    take_steadily(&quota, ms(10), 2_000).await;
    let calls_per_1000 = calls(&script) as f64 / 2.0;
    println!("calls for 1000 permits at 100 a second: {calls_per_1000}");
    assert!(calls_per_1000 <= 150.0, "{calls_per_1000}");
    assert_eq!(script.settled().0, 2_000);
}

#[tokio::test(start_paused = true)]
async fn what_is_unused_is_back_within_300_ms_of_the_last_take() {
    for every in [1, 2, 3, 7, 10, 20] {
        let (quota, script) = healthy();
        let idle_since = take_steadily(&quota, ms(every), 700).await;
        let batches = script.batches();
        let (last, _) = batches.last().expect("reports");
        assert!(last.since(idle_since) <= ms(300), "every {every} ms: {:?}", last.since(idle_since));
        let (used, returned) = script.settled();
        assert_eq!((used, used + returned), (700, script.granted()), "every {every} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_makes_no_calls() {
    let (quota, script) = healthy();
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    for _ in 0..100 {
        drop(prefetch.permit().await.expect("a permit"));
    }
    tokio::time::sleep(ms(1_000)).await;
    let before = calls(&script);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(calls(&script), before);
}
