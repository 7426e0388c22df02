//! How a prefetch asks while it is refused.

use super::script::{Reply, Script, ms, refusal, timed};
use crate::clock;
use crate::config::Fallback;
use crate::error::AcquireError;
use crate::request::Request;
use crate::{PrefetchOptions, Reason};
use std::sync::Arc;
use tokio::task::JoinSet;

#[tokio::test(start_paused = true)]
async fn a_refused_prefetch_waits_for_the_retry_while_callers_wait() {
    let start = clock::now();
    let script = Script::new(move |_, now| {
        let no = refusal(Reason::ProviderCooldown, Some(ms(1_000).saturating_sub(now.since(start))));
        (ms(1), if now.since(start) < ms(1_000) { Reply::Failed(no) } else { Reply::Granted })
    });
    let (quota, script) = script.quota(Fallback::Deny);
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    let mut callers = JoinSet::new();
    for n in 0..500 {
        let prefetch = prefetch.clone();
        callers.spawn(async move {
            tokio::time::sleep(ms(n)).await;
            prefetch.permit().await.is_ok()
        });
    }
    let granted = callers.join_all().await.into_iter().filter(|is_granted| *is_granted).count();
    let early = script.acquires().iter().filter(|(at, _)| at.since(start) < ms(990)).count();
    assert_eq!((granted, early), (499, 1), "the refusal is the answer of the first caller");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_cannot_wait_for_the_retry_is_told_so_at_once() {
    let no = refusal(Reason::WindowExhausted, Some(ms(7_000)));
    let (quota, script) = Script::new(move |_, _| (ms(1), Reply::Failed(no.clone()))).quota(Fallback::Deny);
    let prefetch = quota.prefetch(&Request::new().max_wait(ms(2_000)), PrefetchOptions::new());
    for _ in 0..100 {
        let (took, result) = timed(prefetch.permit()).await;
        assert!(took < ms(5), "{took:?}");
        assert!(matches!(result, Err(AcquireError::Refused { reason: Reason::WindowExhausted, .. })));
    }
    assert_eq!(script.acquires().len(), 1);
    tokio::time::sleep(ms(7_000)).await;
    let _ = prefetch.permit().await;
    assert_eq!(script.acquires().len(), 2, "the refusal has ended");
}

#[tokio::test(start_paused = true)]
async fn a_final_refusal_holds_for_a_second() {
    let no = refusal(Reason::TooLarge, None);
    let (quota, script) = Script::new(move |_, _| (ms(1), Reply::Failed(no.clone()))).quota(Fallback::Deny);
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    let start = clock::now();
    while clock::now().since(start) < ms(2_500) {
        assert!(prefetch.permit().await.is_err());
        tokio::time::sleep(ms(10)).await;
    }
    assert_eq!(script.acquires().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_request_ahead_of_demand_does_not_keep_callers_waiting() {
    let script = Script::new(|asked, _| {
        let is_ahead = asked.max_wait.is_some_and(|wait| wait.seconds == 0);
        let no = refusal(Reason::DeadlineTooShort, Some(ms(5_000)));
        if is_ahead { (ms(1), Reply::Failed(no)) } else { (ms(20), Reply::Granted) }
    });
    let (quota, _) = script.quota(Fallback::Deny);
    let prefetch = Arc::new(quota.prefetch(&Request::new(), PrefetchOptions::new()));
    for _ in 0..200 {
        let (took, permit) = timed(prefetch.permit()).await;
        assert!(permit.is_ok() && took < ms(100), "{took:?}");
    }
}
