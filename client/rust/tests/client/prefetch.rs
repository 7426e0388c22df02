//! Prefetch: what it requests, holds and returns, over a real connection.

use crate::fake::{Answer, Fake};
use apportion_client::{
    AcquireError, Config, Fallback, Observation, Prefetch, PrefetchOptions, Quota, Reason, Request,
};
use std::time::Duration;
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(30);

fn prefetch(fake: &Fake, request: &Request) -> (Quota, Prefetch) {
    let quota = Quota::connect(Config::new(fake.url())).expect("a configuration");
    let prefetch = quota.prefetch(request, PrefetchOptions::new());
    (quota, prefetch)
}

/// The permits used and returned, by the final report of each lease.
pub(crate) fn settled(fake: &Fake) -> (u32, u32) {
    let settles = fake.settles();
    let finals = settles.iter().filter(|settle| settle.is_final);
    finals.fold((0, 0), |sum, settle| (sum.0 + settle.used_permits, sum.1 + settle.returned_permits))
}

/// Waits until the condition holds, and fails if it never does.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the condition holds in the end");
}

#[tokio::test]
async fn many_tasks_get_a_permit_each_and_unused_permits_are_returned() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let (_quota, prefetch) = prefetch(&fake, &Request::new());
    let mut tasks = JoinSet::new();
    for n in 0..1_500 {
        let prefetch = prefetch.clone();
        tasks.spawn(async move {
            let permit = prefetch.permit().await.expect("a permit");
            // Every fifth request is not sent.
            if n % 5 == 0 {
                permit.put_back();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no task panics");
    }
    drop(prefetch);
    until(|| settled(&fake) == (1_200, fake.granted() - 1_200)).await;
    assert!(fake.acquires().iter().all(|asked| asked.permits <= Some(500) && asked.min_permits == Some(1)));
}

#[tokio::test]
async fn a_caller_that_leaves_loses_no_permit_and_delays_nobody() {
    let late = Duration::from_millis(50);
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG).after(late));
    let (_quota, prefetch) = prefetch(&fake, &Request::new());
    let mut tasks = JoinSet::new();
    for n in 0..400_u64 {
        let prefetch = prefetch.clone();
        tasks.spawn(async move {
            let permit = prefetch.permit();
            match n % 4 {
                0 => tokio::time::timeout(Duration::from_millis(n / 4), permit).await.is_ok(),
                _ => permit.await.is_ok(),
            }
        });
    }
    let mut got = 0;
    while let Some(done) = tasks.join_next().await {
        got += u32::from(done.expect("no task panics"));
    }
    assert!((300..400).contains(&got), "{got}: all that stayed, and not all that left early");
    drop(prefetch);
    until(|| settled(&fake) == (got, fake.granted() - got)).await;
}

#[tokio::test]
async fn when_all_waiting_callers_have_left_the_request_is_withdrawn() {
    let fake = Fake::start([Answer::lease(1, LONG).after(LONG)]).await.otherwise(Answer::as_requested(LONG));
    let (_quota, prefetch) = prefetch(&fake, &Request::new());
    let leave = || tokio::time::timeout(Duration::from_millis(30), prefetch.permit());
    let (one, two) = tokio::join!(leave(), leave());
    assert!(one.is_err() && two.is_err(), "they left");
    until(|| fake.withdrawn() == 1).await;
    drop(prefetch.permit().await.expect("a permit"));
    assert_eq!(fake.acquires().last().and_then(|asked| asked.permits), Some(1), "not for those who left");
}

#[tokio::test]
async fn permits_taken_often_are_held_ready_and_returned_when_idle() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let (_quota, prefetch) = prefetch(&fake, &Request::new());
    for _ in 0..100 {
        drop(prefetch.permit().await.expect("a permit"));
    }
    let calls = fake.acquires().len();
    assert!(calls < 90, "{calls} calls for 100 permits");
    until(|| settled(&fake) == (100, fake.granted() - 100)).await;
    assert!(fake.granted() < 200, "{} for 100", fake.granted());
    assert!(prefetch.try_permit().is_none(), "nothing is held");
}

#[tokio::test]
async fn a_miss_without_waiting_requests_a_permit_for_the_next_call() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let (_quota, prefetch) = prefetch(&fake, &Request::new());
    assert!(prefetch.try_permit().is_none());
    until(|| prefetch.try_permit().is_some()).await;
}

#[tokio::test]
async fn under_contention_each_permit_is_requested_when_a_caller_waits_for_it() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG).contended());
    let (quota, prefetch) = prefetch(&fake, &Request::new());
    for _ in 0..30 {
        drop(prefetch.permit().await.expect("a permit"));
    }
    assert!(fake.acquires().iter().all(|asked| asked.permits == Some(1)));
    quota.close().await;
    assert_eq!((fake.granted(), settled(&fake)), (30, (30, 0)));
}

#[tokio::test]
async fn a_refusal_reaches_every_waiting_caller_with_its_reason_and_delay() {
    let no = Answer::refusal(Reason::WindowExhausted, Some(Duration::from_secs(7)));
    let fake = Fake::start([]).await.otherwise(no);
    let (_quota, prefetch) = prefetch(&fake, &Request::new());
    let (one, two) = tokio::join!(prefetch.permit(), prefetch.permit());
    for error in [one.expect_err("it is refused"), two.expect_err("it is refused")] {
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(matches!(error, AcquireError::Refused { reason: Reason::WindowExhausted, .. }), "{error}");
    }
}

#[tokio::test]
async fn no_caller_waits_longer_than_it_may() {
    let fake = Fake::start([]).await.otherwise(Answer::lease(1, LONG).after(LONG));
    let (_quota, prefetch) = prefetch(&fake, &Request::new().max_wait(Duration::from_millis(50)));
    let error = prefetch.permit().await.expect_err("nothing comes");
    assert!(matches!(error, AcquireError::TimedOut | AcquireError::Unreachable(_)), "{error}");
    assert_eq!(fake.acquires()[0].max_wait.map(|span| span.seconds), Some(0));
}

#[tokio::test]
async fn a_lease_that_ended_in_transit_grants_no_permit_and_the_next_one_does() {
    let late = Answer::lease(1, Duration::from_millis(20)).after(Duration::from_millis(60));
    let fake = Fake::start([late]).await.otherwise(Answer::as_requested(LONG));
    let (_quota, prefetch) = prefetch(&fake, &Request::new());
    let permit = prefetch.permit().await.expect("a permit of the second lease");
    assert!(permit.valid_for() > Duration::from_secs(10));
    assert_eq!(fake.acquires().len(), 2);
}

#[tokio::test]
async fn after_a_throttle_held_permits_are_neither_used_nor_returned() {
    let fake = Fake::start([Answer::lease(2, LONG)]).await;
    let (quota, prefetch) = prefetch(&fake, &Request::new().max_wait(Duration::from_millis(50)));
    let permit = prefetch.permit().await.expect("a permit");
    permit.observe(Observation { status: 429, throttled: true, ..Observation::default() });
    assert!(prefetch.try_permit().is_none());
    drop(permit);
    quota.close().await;
    assert_eq!(settled(&fake), (1, 0));
    assert!(fake.settles().iter().any(|settle| settle.observations.iter().any(|seen| seen.throttled)));
}

#[tokio::test]
async fn without_a_server_it_hands_out_the_local_share() {
    let fallback = Fallback::Share { permits: 3, window: LONG };
    let config = Config::new(Fake::nobody().await).fallback(fallback);
    let quota = Quota::connect(config).expect("a configuration");
    let prefetch =
        quota.prefetch(&Request::new().max_wait(Duration::from_millis(100)), PrefetchOptions::new());
    for _ in 0..3 {
        drop(prefetch.permit().await.expect("of the share"));
    }
    let error = prefetch.permit().await.expect_err("the share is used up");
    assert!(matches!(error, AcquireError::Unreachable(_) | AcquireError::TimedOut), "{error}");
}

#[tokio::test]
async fn one_permit_without_a_prefetch_is_a_lease_of_its_own() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let quota = Quota::connect(Config::new(fake.url())).expect("a configuration");
    let sent = quota.permit(&Request::new().permits(9)).await.expect("a permit");
    let unsent = quota.permit(&Request::new()).await.expect("a permit");
    drop(sent);
    unsent.put_back();
    quota.close().await;
    assert_eq!((fake.granted(), settled(&fake)), (2, (1, 1)));
}

#[tokio::test]
async fn a_permit_put_back_after_the_rest_was_returned_is_returned_too() {
    let fake = Fake::start([Answer::lease(3, LONG)]).await;
    let (quota, prefetch) = prefetch(&fake, &Request::new());
    let permit = prefetch.permit().await.expect("a permit");
    let sent = prefetch.try_permit().expect("a permit");
    until(|| fake.settles().last().is_some_and(|settle| settle.returned_permits == 1)).await;
    permit.put_back();
    until(|| fake.settles().last().is_some_and(|settle| settle.returned_permits == 2)).await;
    let open = fake.settles().pop().expect("a report");
    assert_eq!((open.used_permits, open.is_final), (0, false), "one is in hand");
    drop(sent);
    quota.close().await;
    assert_eq!(settled(&fake), (1, 2));
}
