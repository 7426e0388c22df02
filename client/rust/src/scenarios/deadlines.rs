//! No call outlives its request, and nothing queues behind acquires that wait.

use super::script::{Reply, Script, broken, ms, timed};
use crate::config::Fallback;
use crate::error::AcquireError;
use crate::request::Request;
use crate::slots::SLOTS;
use apportion_proto::v1::Priority;
use std::time::Duration;
use tokio::task::JoinSet;

const SHARE: Fallback = Fallback::Share { permits: 50, window: Duration::from_secs(10) };

fn silent() -> Script {
    Script::new(|_, _| (ms(0), Reply::Silence)).reports(|_, _| (ms(0), Reply::Silence))
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_an_acquire_ends_with_its_wait() {
    let (quota, _) = silent().quota(Fallback::Deny);
    for max_wait in [1_000, 1_000, 1_000, 10_000] {
        let request = Request::new().max_wait(ms(max_wait));
        let (took, result) = timed(quota.acquire(&request)).await;
        assert!(took >= ms(max_wait) && took < ms(max_wait + 5), "{took:?}");
        assert!(matches!(result, Err(AcquireError::Unreachable(_))), "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_the_share_is_asked_at_the_end_of_the_wait() {
    let (quota, _) = silent().quota(SHARE);
    for _ in 0..3 {
        let (took, result) = timed(quota.acquire(&Request::new().max_wait(ms(1_000)))).await;
        assert!(took >= ms(1_000) && took < ms(1_005), "{took:?}");
        assert!(result.expect("of the share").take());
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_the_server_repeats_attempts_that_end() {
    let back_at = crate::clock::now().after(ms(3_500));
    let script =
        Script::new(move |_, now| (ms(1), if now < back_at { Reply::Silence } else { Reply::Granted }));
    let (quota, script) = script.quota(Fallback::Wait);
    let (took, result) = timed(quota.acquire(&Request::new().max_wait(ms(1_000)))).await;
    assert!(result.is_ok());
    assert!(took > ms(3_500) && took < ms(5_000), "{took:?}");
    let gaps: Vec<_> = script.acquires().windows(2).map(|pair| pair[1].0.since(pair[0].0)).collect();
    assert!(gaps.iter().all(|gap| *gap < ms(1_600)), "{gaps:?}");
    assert!(script.acquires().iter().all(|(_, asked)| asked.request_id == script.acquires()[0].1.request_id));
}

#[tokio::test(start_paused = true)]
async fn many_requests_without_an_answer_end_with_their_wait_too() {
    for fallback in [Fallback::Deny, SHARE] {
        let (quota, _) = silent().quota(fallback);
        let mut requests = JoinSet::new();
        for _ in 0..4 * SLOTS {
            let quota = quota.clone();
            requests.spawn(async move { timed(quota.acquire(&Request::new().max_wait(ms(1_000)))).await });
        }
        let mut granted = 0;
        for (took, result) in requests.join_all().await {
            assert!(took < ms(1_100), "{took:?}");
            granted += u32::from(result.is_ok_and(|lease| lease.take()));
        }
        assert_eq!(granted, if fallback == SHARE { 50 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_others_of_its_client_is_no_outage() {
    // The server lets requests wait for 5 s, and is healthy.
    let (quota, script) = Script::new(|_, _| (ms(5_000), Reply::Granted)).quota(SHARE);
    let mut waiting = JoinSet::new();
    for _ in 0..SLOTS {
        let quota = quota.clone();
        waiting.spawn(async move { quota.acquire(&Request::new()).await.expect("in the end") });
    }
    tokio::task::yield_now().await;
    let (took, result) = timed(quota.acquire(&Request::new().max_wait(ms(1_000)))).await;
    assert!(matches!(result, Err(AcquireError::TimedOut)), "{result:?}");
    assert!(took < ms(1_005), "{took:?}");
    assert_eq!(script.acquires().len(), SLOTS, "it was not sent");
    let urgent = quota.acquire(&Request::new().priority(Priority::Critical)).await;
    assert!(urgent.is_ok(), "it does not wait for others");
    assert_eq!(waiting.join_all().await.len(), SLOTS);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_is_sent_as_soon_as_another_ends() {
    let (quota, _) = Script::new(|_, _| (ms(100), Reply::Granted)).quota(Fallback::Deny);
    let mut requests = JoinSet::new();
    for _ in 0..10 * SLOTS {
        let quota = quota.clone();
        requests.spawn(async move { timed(quota.acquire(&Request::new())).await });
    }
    for (took, result) in requests.join_all().await {
        assert!(result.is_ok() && took <= ms(1_020), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_answers_before_the_client_gives_up() {
    // The server lets the request wait as long as it may, and then refuses it.
    let late = |asked: &apportion_proto::v1::AcquireLeaseRequest, _| {
        let wait = asked.max_wait.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default();
        let no = super::script::refusal(apportion_proto::v1::Reason::WindowExhausted, Some(ms(500)));
        (wait + ms(80), Reply::Failed(no))
    };
    let (quota, _) = Script::new(late).quota(SHARE);
    for max_wait in [0, 100, 250, 1_000, 10_000] {
        let result = quota.acquire(&Request::new().max_wait(ms(max_wait))).await;
        assert!(matches!(result, Err(AcquireError::Refused { .. })), "{max_wait}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_is_no_problem() {
    let (quota, script) = Script::new(|_, _| (ms(1), Reply::Granted)).quota(Fallback::Deny);
    let forever = Request::new().max_wait(Duration::MAX);
    assert!(quota.acquire(&forever).await.is_ok());
    let prefetch = quota.prefetch(&forever, crate::PrefetchOptions::new());
    assert!(prefetch.permit().await.is_ok());
    assert!(
        script.acquires().iter().all(|(_, asked)| asked.max_wait.is_some_and(|wait| wait.seconds < 3_600))
    );
}

#[tokio::test(start_paused = true)]
async fn an_acquire_that_is_dropped_near_its_answer_gives_its_lease_back() {
    let (quota, script) = Script::new(|_, _| (ms(50), Reply::Granted)).quota(Fallback::Deny);
    for waited in 0..=60 {
        let request = Request::new().permits(2);
        let _ = tokio::time::timeout(ms(waited), quota.acquire(&request)).await;
    }
    quota.close().await;
    assert_eq!(script.settled(), (0, script.granted()));
    assert!(script.granted() >= 2 * 60, "each was answered: {}", script.granted());
}

#[tokio::test(start_paused = true)]
async fn an_acquire_whose_answer_is_far_is_withdrawn_when_it_is_dropped() {
    let (quota, script) = Script::new(|_, _| (ms(5_000), Reply::Granted)).quota(Fallback::Deny);
    assert!(tokio::time::timeout(ms(50), quota.acquire(&Request::new())).await.is_err());
    tokio::time::sleep(ms(10_000)).await;
    assert_eq!((script.acquires().len(), script.granted()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_tried_again_with_the_same_request_id() {
    let start = crate::clock::now();
    let script = Script::new(move |_, now| {
        (ms(1), if now.since(start) < ms(300) { Reply::Failed(broken()) } else { Reply::Granted })
    });
    let (quota, script) = script.quota(Fallback::Deny);
    assert!(quota.acquire(&Request::new().max_wait(ms(2_000))).await.is_ok());
    let ids: Vec<_> = script.acquires().into_iter().map(|(_, asked)| asked.request_id).collect();
    assert!(ids.len() > 1 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}
