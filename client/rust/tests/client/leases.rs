//! Leases: asked for, used, given back, and what happens where no service answers.

use crate::fake::{Answer, Fake};
use crate::log::Log;
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
async fn what_is_not_taken_goes_back_when_the_lease_is_dropped() {
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
async fn a_lost_answer_is_asked_for_again_under_the_same_request_id() {
    let fake = Fake::start([Answer::away(), Answer::away(), Answer::lease(1, seconds(10))]).await;
    let lease = quota(&fake).acquire(&Request::new()).await.expect("a lease");
    let ids: Vec<_> = fake.acquires().into_iter().map(|asked| asked.request_id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| !id.is_empty() && *id == ids[0]), "{ids:?}");
    drop(lease);
}

#[tokio::test]
async fn a_lease_that_ended_on_the_way_is_asked_for_under_a_new_request_id() {
    let fake = Fake::start([Answer::refusal(Reason::LeaseEnded, None), Answer::lease(1, seconds(10))]).await;
    let lease = quota(&fake).acquire(&Request::new()).await.expect("a lease");
    let ids: Vec<_> = fake.acquires().into_iter().map(|asked| asked.request_id).collect();
    assert_ne!(ids[0], ids[1]);
    drop(lease);
}

#[tokio::test]
async fn a_refusal_tells_why_and_when_to_ask_again() {
    let fake = Fake::start([Answer::refusal(Reason::WindowExhausted, Some(seconds(7)))]).await;
    let error = quota(&fake).acquire(&Request::new()).await.expect_err("it is refused");
    assert_eq!(error.retry_after(), Some(seconds(7)));
    let AcquireError::Refused { reason, message, .. } = error else { panic!("{error}") };
    assert_eq!((reason, message.as_str()), (Reason::WindowExhausted, "no"));
    assert_eq!(fake.acquires().len(), 1, "a refusal is not asked for again");
}

#[tokio::test]
async fn a_late_answer_shortens_the_lease_and_never_lengthens_it() {
    let late = Duration::from_millis(300);
    let fake = Fake::start([Answer::lease(1, Duration::from_millis(200)).after(late)]).await;
    let lease = quota(&fake).acquire(&Request::new()).await.expect("a lease");
    assert!(!lease.take(), "it ended before its answer came");
    assert_eq!(lease.valid_for(), Duration::ZERO);
}

#[tokio::test]
async fn observations_are_reported_and_a_throttle_at_once() {
    let fake = Fake::start([Answer::lease(2, seconds(10))]).await;
    let quota = quota(&fake);
    let lease = quota.acquire(&Request::new().permits(2)).await.expect("a lease");
    assert!(lease.take());
    lease.observe(Observation { status: 200, remaining_permits: Some(9), ..Observation::default() });
    lease.observe(Observation { status: 429, throttled: true, ..Observation::default() });
    quota.close().await;
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
async fn a_report_that_is_refused_for_now_is_sent_again_and_one_that_is_refused_for_good_is_logged() {
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
    assert!(!text.contains("STORE_LOST"), "it came through in the end: {text}");
}

#[tokio::test]
async fn without_a_service_it_denies_after_the_wait() {
    let nobody = Fake::nobody().await;
    let quota = Quota::connect(Config::new(nobody)).expect("a configuration");
    let request = Request::new().max_wait(Duration::from_millis(150));
    let error = quota.acquire(&request).await.expect_err("nobody is there");
    assert!(matches!(error, AcquireError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn without_a_service_it_grants_its_own_share_where_it_was_told_to() {
    let fallback = Fallback::Share { permits: 3, window: seconds(60) };
    let quota =
        Quota::connect(Config::new(Fake::nobody().await).fallback(fallback)).expect("a configuration");
    let request = |n| Request::new().permits(n).max_wait(Duration::from_millis(150));
    let lease = quota.acquire(&request(2)).await.expect("two of three");
    assert!(lease.take() && lease.take() && !lease.take());
    assert!(matches!(quota.acquire(&request(2)).await, Err(AcquireError::Unreachable(_))), "one is left");
    let too_large = quota.acquire(&request(4)).await.expect_err("never");
    assert!(matches!(too_large, AcquireError::Refused { reason: Reason::TooLarge, .. }), "{too_large}");
}

#[tokio::test]
async fn without_a_service_it_waits_for_it_where_it_was_told_to() {
    let fake =
        Fake::start([Answer::away(), Answer::away(), Answer::away(), Answer::lease(1, seconds(10))]).await;
    let config = Config::new(fake.url()).fallback(Fallback::Wait);
    let quota = Quota::connect(config).expect("a configuration");
    let lease = quota.acquire(&Request::new().max_wait(Duration::from_millis(1))).await.expect("in the end");
    assert!(lease.take());
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_refused_by_name() {
    let refused = |config: Config| Quota::connect(config).expect_err("it is refused").to_string();
    assert!(refused(Config::new("")).contains("endpoint"));
    assert!(refused(Config::new("ftp://x")).contains("neither http nor https"));
    assert!(refused(Config::new("http://x").token("\n")).contains("token"));
    let nothing = Fallback::Share { permits: 1, window: Duration::ZERO };
    assert!(refused(Config::new("http://x").fallback(nothing)).contains("window"));
}
