//! Reports reach the server, whatever happens in between, as long as they are of use.

use super::script::{Reply, Script, broken, ms};
use crate::clock;
use crate::config::Fallback;
use crate::request::Request;
use crate::{Observation, Reason};
use apportion_proto::v1;
use std::time::Duration;

fn throttle() -> Observation {
    Observation { status: 429, throttled: true, ..Observation::default() }
}

/// Grants, and is away for reports for a while.
fn reports_back_after(span: Duration) -> Script {
    let back_at = clock::now().after(span);
    Script::new(|_, _| (ms(1), Reply::Granted))
        .reports(move |_, now| (ms(1), if now < back_at { Reply::Failed(broken()) } else { Reply::Granted }))
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_loses_no_report() {
    let (quota, script) = reports_back_after(ms(3_000)).quota(Fallback::Deny);
    for _ in 0..10 {
        drop(quota.acquire(&Request::new().permits(3)).await.expect("a lease"));
        tokio::time::sleep(ms(100)).await;
    }
    tokio::time::sleep(ms(5_000)).await;
    assert_eq!(script.settled(), (0, 30));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_survives_an_outage() {
    let (quota, script) = reports_back_after(ms(40_000)).quota(Fallback::Deny);
    let lease = quota.acquire(&Request::new()).await.expect("a lease");
    assert!(lease.take());
    lease.observe(throttle());
    drop(lease);
    tokio::time::sleep(ms(45_000)).await;
    let batches = script.batches();
    let seen: Vec<_> = batches.iter().flat_map(|(_, all)| all).flat_map(|one| &one.observations).collect();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].throttled && seen[0].age.is_some_and(|age| age.seconds >= 40), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_of_no_use_is_given_up() {
    let (quota, script) = reports_back_after(ms(200_000)).quota(Fallback::Deny);
    drop(quota.acquire(&Request::new()).await.expect("a lease"));
    tokio::time::sleep(ms(300_000)).await;
    assert!(script.batches().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_sent_at_once_and_other_reports_wait_for_company() {
    let (quota, script) = Script::new(|_, _| (ms(1), Reply::Granted)).quota(Fallback::Deny);
    let acquire = async || quota.acquire(&Request::new().permits(2)).await.expect("a lease");
    let (throttled, returned, used) = (acquire().await, acquire().await, acquire().await);
    assert!(used.take() && used.take());
    let start = clock::now();
    drop(used);
    tokio::time::sleep(ms(100)).await;
    drop(returned);
    tokio::time::sleep(ms(100)).await;
    throttled.observe(throttle());
    tokio::time::sleep(ms(100)).await;
    let sent: Vec<_> = script.batches().iter().map(|(at, _)| at.since(start).as_millis()).collect();
    let expected = [50, 120, 200];
    let is_near = sent.iter().zip(expected).all(|(at, expected)| (expected..=expected + 3).contains(at));
    assert!(sent.len() == 3 && is_near, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_malformed_by_its_observations_still_returns_permits() {
    for reason in [Reason::Malformed, Reason::UnknownLimit] {
        let refusal = v1::Refusal { reason: reason.into(), ..v1::Refusal::default() };
        let script = Script::new(|_, _| (ms(1), Reply::Granted)).reports(move |batch, _| {
            let is_observed = batch.requests.iter().any(|one| !one.observations.is_empty());
            (ms(1), if is_observed { Reply::Refusal(refusal.clone()) } else { Reply::Granted })
        });
        let (quota, script) = script.quota(Fallback::Deny);
        let lease = quota.acquire(&Request::new().permits(5)).await.expect("a lease");
        lease.observe(Observation { limit: "no-such-limit".into(), ..Observation::default() });
        drop(lease);
        quota.close().await;
        let batches = script.batches();
        let (_, last) = batches.last().expect("a report");
        assert_eq!((last.len(), last[0].returned_permits, last[0].observations.len()), (1, 5, 0));
        assert_eq!(batches.len(), 2, "{batches:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_as_a_whole_is_sent_in_parts() {
    let script = Script::new(|_, _| (ms(1), Reply::Granted)).reports(|batch, _| {
        let too_many = tonic::Status::out_of_range("message too large");
        (ms(1), if batch.requests.len() > 3 { Reply::Failed(too_many) } else { Reply::Granted })
    });
    let (quota, script) = script.quota(Fallback::Deny);
    let mut leases = Vec::new();
    for _ in 0..20 {
        leases.push(quota.acquire(&Request::new()).await.expect("a lease"));
    }
    drop(leases);
    tokio::time::sleep(ms(5_000)).await;
    assert_eq!(script.settled(), (0, 20));
}
