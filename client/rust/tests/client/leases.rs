//! Leases: acquired, used and returned, and what happens without a server.

use crate::fake::{Answer, Fake};
use crate::log::Log;
use crate::prefetch::until;
use apportion_client::{AcquireError, Config, Fallback, Observation, Quota, Reason, Request};
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn quota(fake: &Fake) -> Quota {
    Quota::connect(Config::new(fake.url()).team("sync").caller("one").token("secret"))
        .expect("a configuration")
}

#[tokio::test]
async fn unused_permits_are_returned_when_the_lease_is_dropped() {
    let fake = Fake::start([Answer::lease(5, seconds(10))]).await;
    let quota = quota(&fake);
    let lease = quota.acquire(&Request::new().permits(5)).await.expect("a lease");
    assert!(lease.take() && lease.take());
    assert_eq!(lease.left(), 3);
    drop(lease);
    quota.close().await;
    let settles = fake.settles();
    let [settle] = &settles[..] else { panic!("{settles:?}") };
    assert_eq!((settle.used_permits, settle.returned_permits, settle.is_final), (2, 3, true));
    assert_eq!((settle.team.as_str(), settle.caller.as_str()), ("sync", "one"));
    assert_eq!(settle.lease_id, "lease-0");
    assert!(fake.tokens().iter().all(|token| token == "Bearer secret"));
}

#[tokio::test]
async fn a_failed_attempt_is_retried_with_the_same_request_id() {
    let fake =
        Fake::start([Answer::unavailable(), Answer::unavailable(), Answer::lease(1, seconds(10))]).await;
    let lease = quota(&fake).acquire(&Request::new()).await.expect("a lease");
    let ids: Vec<_> = fake.acquires().into_iter().map(|asked| asked.request_id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| !id.is_empty() && *id == ids[0]), "{ids:?}");
    drop(lease);
}

#[tokio::test]
async fn after_a_lease_ended_in_transit_the_retry_has_a_new_request_id() {
    let fake = Fake::start([Answer::refusal(Reason::LeaseEnded, None), Answer::lease(1, seconds(10))]).await;
    let lease = quota(&fake).acquire(&Request::new()).await.expect("a lease");
    let ids: Vec<_> = fake.acquires().into_iter().map(|asked| asked.request_id).collect();
    assert_ne!(ids[0], ids[1]);
    drop(lease);
}

#[tokio::test]
async fn a_refusal_has_its_reason_and_when_to_retry() {
    let fake = Fake::start([Answer::refusal(Reason::WindowExhausted, Some(seconds(7)))]).await;
    let error = quota(&fake).acquire(&Request::new()).await.expect_err("it is refused");
    assert_eq!(error.retry_after(), Some(seconds(7)));
    let AcquireError::Refused { reason, message, .. } = error else { panic!("{error}") };
    assert_eq!((reason, message.as_str()), (Reason::WindowExhausted, "no"));
    assert_eq!(fake.acquires().len(), 1, "a refusal is not retried");
}

#[tokio::test]
async fn a_late_answer_shortens_the_lease_and_never_extends_it() {
    let late = Duration::from_millis(300);
    let fake = Fake::start([Answer::lease(1, Duration::from_millis(200)).after(late)]).await;
    let lease = quota(&fake).acquire(&Request::new()).await.expect("a lease");
    assert!(!lease.take(), "it ended before its answer arrived");
    assert_eq!(lease.valid_for(), Duration::ZERO);
}

#[tokio::test]
async fn observations_are_reported_and_a_throttle_is_sent_at_once() {
    let fake = Fake::start([Answer::lease(2, seconds(10))]).await;
    let quota = quota(&fake);
    let lease = quota.acquire(&Request::new().permits(2)).await.expect("a lease");
    assert!(lease.take());
    lease.observe(Observation { status: 200, remaining_permits: Some(9), ..Observation::default() });
    lease.observe(Observation { status: 429, throttled: true, ..Observation::default() });
    until(|| !fake.settles().is_empty()).await;
    let settles = fake.settles();
    let [settle] = &settles[..] else { panic!("{settles:?}") };
    assert_eq!((settle.used_permits, settle.returned_permits, settle.is_final), (1, 0, false));
    assert_eq!(settle.observations.len(), 2);
    assert!(settle.observations.iter().all(|seen| seen.age.is_some()));
    drop(lease);
    quota.close().await;
    assert_eq!(fake.settles().last().map(|settle| settle.returned_permits), Some(1));
}

#[tokio::test]
async fn many_leases_are_settled_in_few_calls() {
    let fake = Fake::start(vec![Answer::lease(1, seconds(10)); 50]).await;
    let quota = quota(&fake);
    let mut leases = Vec::new();
    for _ in 0..50 {
        leases.push(quota.acquire(&Request::new()).await.expect("a lease"));
    }
    drop(leases);
    quota.close().await;
    assert_eq!(fake.settles().len(), 50);
    assert!(fake.batches() < 10, "{} calls", fake.batches());
}

#[tokio::test]
async fn a_report_whose_refusal_allows_a_retry_is_sent_again_and_any_other_refusal_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _logs = tracing::subscriber::set_default(subscriber);
    let fake = Fake::start([Answer::lease(1, seconds(10)), Answer::lease(1, seconds(10))]).await;
    fake.refuse_settle(Reason::StoreLost, Some(Duration::from_millis(1)));
    fake.refuse_settle(Reason::NotYourLease, None);
    let quota = quota(&fake);
    let leases = [
        quota.acquire(&Request::new()).await.expect("one"),
        quota.acquire(&Request::new()).await.expect("two"),
    ];
    drop(leases);
    quota.close().await;
    let ids: Vec<_> = fake.settles().into_iter().map(|settle| settle.lease_id).collect();
    assert_eq!(ids, ["lease-0", "lease-1", "lease-0"]);
    let text = log.text();
    assert!(text.contains("NOT_YOUR_LEASE") && text.contains("lease-1"), "{text}");
    assert!(!text.contains("STORE_LOST"), "its retry succeeded: {text}");
}

#[tokio::test]
async fn without_a_server_the_request_fails_after_its_wait() {
    let nobody = Fake::nobody().await;
    let quota = Quota::connect(Config::new(nobody)).expect("a configuration");
    let request = Request::new().max_wait(Duration::from_millis(150));
    let error = quota.acquire(&request).await.expect_err("nobody is there");
    assert!(matches!(error, AcquireError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn without_a_server_a_configured_share_is_granted_locally() {
    let fallback = Fallback::Share { permits: 3, window: seconds(60) };
    let quota =
        Quota::connect(Config::new(Fake::nobody().await).fallback(fallback)).expect("a configuration");
    let request = |n| Request::new().permits(n).max_wait(Duration::from_millis(150));
    let lease = quota.acquire(&request(2)).await.expect("two of three");
    assert!(lease.take() && lease.take() && !lease.take());
    assert!(matches!(quota.acquire(&request(2)).await, Err(AcquireError::Unreachable(_))), "one is left");
    let too_large = quota.acquire(&request(4)).await.expect_err("more than the share has");
    assert!(matches!(too_large, AcquireError::Unreachable(_)), "{too_large}");
}

#[tokio::test]
async fn without_a_server_the_request_waits_for_it_if_configured_to() {
    let fake = Fake::start([
        Answer::unavailable(),
        Answer::unavailable(),
        Answer::unavailable(),
        Answer::lease(1, seconds(10)),
    ])
    .await;
    let config = Config::new(fake.url()).fallback(Fallback::Wait);
    let quota = Quota::connect(config).expect("a configuration");
    let lease = quota.acquire(&Request::new().max_wait(Duration::from_millis(1))).await.expect("in the end");
    assert!(lease.take());
}

#[tokio::test]
async fn an_invalid_configuration_is_refused_with_its_field() {
    let refused = |config: Config| Quota::connect(config).expect_err("it is refused").to_string();
    assert!(refused(Config::new("")).contains("address"));
    assert!(refused(Config::new("ftp://x")).contains("neither http nor https"));
    assert!(refused(Config::new("http://x").token("\n")).contains("token"));
    assert!(refused(Config::new("http://10.0.0.1:1").token("x")).contains("loopback"));
    assert!(refused(Config::new("http://a").address("https://b")).contains("all must be https"));
    assert!(refused(Config::new("http://a").certificate_authority("x")).contains("http"));
    assert!(refused(Config::new("http://127.0.0.1").token_file("/nowhere/token")).contains("/nowhere/token"));
    let many =
        (0..16).fold(Config::new("http://a"), |config, n| config.address(format!("http://a:{}", n + 1)));
    assert!(refused(many).contains("16"));
    let nothing = Fallback::Share { permits: 1, window: Duration::ZERO };
    assert!(refused(Config::new("http://x").fallback(nothing)).contains("window"));
}
