//! Closing gives everything back, and takes no longer than it may.

use super::script::{Reply, Script, ms, timed};
use crate::PrefetchOptions;
use crate::config::Fallback;
use crate::error::AcquireError;
use crate::request::Request;

#[tokio::test(start_paused = true)]
async fn closing_returns_what_a_prefetch_holds_and_fails_its_callers() {
    let (quota, script) = Script::new(|_, _| (ms(50), Reply::Granted)).quota(Fallback::Deny);
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    for _ in 0..100 {
        drop(prefetch.permit().await.expect("a permit"));
    }
    let mut waiting = Vec::new();
    while prefetch.try_permit().is_some() {}
    for _ in 0..3 {
        let prefetch = prefetch.clone();
        waiting.push(tokio::spawn(async move { prefetch.permit().await }));
    }
    tokio::time::sleep(ms(5)).await;
    let (took, ()) = timed(quota.close()).await;
    assert!(took < ms(200), "{took:?}");
    for caller in waiting {
        let result = caller.await.expect("no task panics");
        assert!(matches!(result, Err(AcquireError::Closed)), "{result:?}");
    }
    let (used, returned) = script.settled();
    assert_eq!(used + returned, script.granted());
    assert!(matches!(prefetch.permit().await, Err(AcquireError::Closed)));
    assert!(matches!(quota.acquire(&Request::new()).await, Err(AcquireError::Closed)));
    let late = quota.prefetch(&Request::new(), PrefetchOptions::new());
    assert!(matches!(late.permit().await, Err(AcquireError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_requests_that_wait_and_returns_leases_on_their_way() {
    let (quota, script) = Script::new(|_, _| (ms(80), Reply::Granted)).quota(Fallback::Wait);
    let waiting = {
        let quota = quota.clone();
        tokio::spawn(async move { quota.acquire(&Request::new().permits(4)).await })
    };
    tokio::time::sleep(ms(20)).await;
    quota.close().await;
    assert!(matches!(waiting.await.expect("no task panics"), Err(AcquireError::Closed)));
    assert_eq!((script.granted(), script.settled()), (4, (0, 4)));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_in_time_without_a_server() {
    let script = Script::new(|_, _| (ms(1), Reply::Granted)).reports(|_, _| (ms(0), Reply::Silence));
    let (quota, _) = script.quota(Fallback::Deny);
    drop(quota.acquire(&Request::new()).await.expect("a lease"));
    let (took, ()) = timed(quota.close()).await;
    assert!(took <= ms(2_005), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_in_use_when_the_client_is_closed_is_reported_later() {
    let (quota, script) = Script::new(|_, _| (ms(1), Reply::Granted)).quota(Fallback::Deny);
    let lease = quota.acquire(&Request::new().permits(3)).await.expect("a lease");
    quota.close().await;
    assert!(lease.take());
    drop((lease, quota));
    tokio::time::sleep(ms(100)).await;
    assert_eq!(script.settled(), (1, 2));
}
