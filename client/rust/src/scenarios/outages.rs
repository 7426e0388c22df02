//! The local share: what it grants, and when it is not asked.

use super::script::{Reply, Script, broken, ms, timed};
use crate::PrefetchOptions;
use crate::clock;
use crate::config::Fallback;
use crate::error::AcquireError;
use crate::request::Request;
use std::time::Duration;

const SHARE: Fallback = Fallback::Share { permits: 50, window: Duration::from_secs(10) };

fn away() -> Script {
    Script::new(|_, _| (ms(1), Reply::Failed(broken()))).reports(|_, _| (ms(1), Reply::Failed(broken())))
}

/// Away for a while, then healthy.
fn back_after(span: Duration) -> Script {
    let back_at = clock::now().after(span);
    Script::new(move |_, now| (ms(1), if now < back_at { Reply::Failed(broken()) } else { Reply::Granted }))
}

#[tokio::test(start_paused = true)]
async fn a_prefetch_gives_out_the_whole_share_and_never_more_in_any_span_of_a_window() {
    let (quota, _) = away().quota(SHARE);
    let prefetch = quota.prefetch(&Request::new().max_wait(ms(300)), PrefetchOptions::new());
    let (start, mut taken) = (clock::now(), Vec::new());
    while clock::now().since(start) < Duration::from_secs(60) {
        match prefetch.permit().await {
            Ok(permit) => {
                taken.push(clock::now());
                drop(permit);
            }
            Err(error) => assert!(matches!(error, AcquireError::Unreachable(_) | AcquireError::TimedOut)),
        }
    }
    let first = taken.iter().filter(|at| at.since(start) < Duration::from_secs(10)).count();
    assert_eq!(first, 50);
    for from in &taken {
        let until = from.after(Duration::from_secs(10));
        assert!(taken.iter().filter(|at| *at >= from && **at < until).count() <= 50);
    }
    assert!(taken.len() >= 200, "{} of 50 in each of 5 spans", taken.len());
}

#[tokio::test(start_paused = true)]
async fn an_unused_permit_of_the_share_can_be_granted_again_at_once() {
    let (quota, _) = away().quota(SHARE);
    for _ in 0..20 {
        let lease = quota.acquire(&Request::new().permits(50).max_wait(ms(300))).await.expect("all of it");
        assert_eq!(lease.left(), 50);
    }
    let prefetch = quota.prefetch(&Request::new().max_wait(ms(300)), PrefetchOptions::new());
    for _ in 0..200 {
        prefetch.permit().await.expect("of the share").put_back();
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_server_may_come_back_the_share_is_not_asked() {
    let (quota, script) = back_after(ms(700)).quota(SHARE);
    let lease = quota.acquire(&Request::new().max_wait(ms(2_000))).await.expect("a lease");
    drop(lease);
    quota.close().await;
    assert_eq!((script.granted(), script.settled()), (1, (0, 1)), "it is the server's");
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_share_is_not_refused_for_good() {
    let (quota, _) = back_after(ms(700)).quota(SHARE);
    let large = Request::new().permits(80);
    assert!(quota.acquire(&large.clone().max_wait(ms(2_000))).await.is_ok(), "after the blip");
    let (quota, _) = away().quota(SHARE);
    let result = quota.acquire(&large.max_wait(ms(500))).await;
    assert!(matches!(result, Err(AcquireError::Unreachable(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_the_share_is_asked_after_the_first_failed_attempt() {
    let (quota, script) = back_after(ms(4_000)).quota(SHARE);
    let request = Request::new().max_wait(ms(2_000));
    let (first, lease) = timed(quota.acquire(&request)).await;
    assert!(lease.is_ok() && first >= ms(2_000), "{first:?}");
    let (second, lease) = timed(quota.acquire(&request)).await;
    assert!(lease.is_ok() && second < ms(10), "{second:?}");
    assert_eq!(script.granted(), 0);
    tokio::time::sleep(ms(2_000)).await;
    assert!(quota.acquire(&request).await.is_ok());
    assert_eq!(script.granted(), 1, "the server is back");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_back_and_refuses_a_probe_gets_the_request_again() {
    let start = clock::now();
    let script = Script::new(move |asked, now| {
        let waits_long = asked.max_wait.is_some_and(|wait| wait.seconds >= 2);
        let no = super::script::refusal(crate::Reason::DeadlineTooShort, Some(ms(1_500)));
        match now.since(start) < ms(3_000) {
            true => (ms(1), Reply::Silence),
            false if waits_long => (ms(1_600), Reply::Granted),
            false => (ms(1), Reply::Failed(no)),
        }
    });
    let (quota, script) = script.quota(SHARE);
    let request = Request::new().max_wait(ms(3_000));
    assert!(quota.acquire(&request).await.is_ok(), "of the share");
    assert!(quota.acquire(&request).await.is_ok());
    assert_eq!(script.granted(), 1);
}
