//! Which signals responses are interpreted by.

use super::script::{Reply, Script, ms};
use crate::config::Fallback;
use crate::quota::Quota;
use crate::request::Request;
use crate::signals::{CountSource, Interpret, LimitSignal, ProviderResponse, Signals};
use apportion_proto::v1::Observation;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use tokio::time::sleep;

fn script() -> (Quota, Arc<Script>) {
    Script::new(|_, _| (ms(1), Reply::Granted)).quota(Fallback::Deny)
}

/// Signals that read what is left from this header.
fn of(header: &str) -> Signals {
    let remaining_permits = Some(CountSource { header: header.into(), ..CountSource::default() });
    Signals {
        limits: vec![LimitSignal { remaining_permits, ..LimitSignal::default() }],
        ..Signals::default()
    }
}

/// What the client reports as left of a response with three headers.
async fn reported_as_left(quota: &Quota, script: &Script) -> Option<u32> {
    let before = script.batches().len();
    let lease = quota.acquire(&Request::new()).await.expect("a lease");
    sleep(ms(10)).await;
    let mut headers = HeaderMap::new();
    for (name, value) in [("x-ratelimit-remaining", "1"), ("x-mine", "2"), ("x-other", "3")] {
        headers.insert(name, value.parse().expect("a value"));
    }
    lease.observe_response(&ProviderResponse::new(StatusCode::OK, &headers));
    drop(lease);
    sleep(ms(100)).await;
    let reports: Vec<_> =
        script.batches().split_off(before).into_iter().flat_map(|(_, batch)| batch).collect();
    reports.iter().flat_map(|report| &report.observations).find_map(|seen| seen.remaining_permits)
}

#[tokio::test(start_paused = true)]
async fn signals_are_got_with_the_first_lease_and_again_when_they_change() {
    let (quota, script) = script();
    assert_eq!(reported_as_left(&quota, &script).await, Some(1), "the standard ones");
    assert_eq!(script.signals_calls(), 0, "the server has none");
    script.set_signals(of("X-Mine"), 7);
    for _ in 0..3 {
        assert_eq!(reported_as_left(&quota, &script).await, Some(2));
    }
    assert_eq!(script.signals_calls(), 1);
    sleep(ms(1_000)).await;
    script.set_signals(of("X-Other"), 8);
    assert_eq!(reported_as_left(&quota, &script).await, Some(3));
    assert_eq!(script.signals_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_never_comes_is_asked_for_once_a_second() {
    let (quota, script) = script();
    script.set_signals(of("X-Mine"), 9);
    script.answer_signals_with_version(8);
    for _ in 0..50 {
        reported_as_left(&quota, &script).await;
    }
    let calls = script.signals_calls();
    assert!((5..=7).contains(&calls), "{calls} calls in 5.5 s");
}

struct Constant;

impl Interpret for Constant {
    fn observations(&self, _: &ProviderResponse<'_>) -> Vec<Observation> {
        vec![Observation { remaining_permits: Some(42), ..Observation::default() }]
    }
}

#[tokio::test(start_paused = true)]
async fn an_interpreter_of_the_user_replaces_all_signals() {
    let script = Script::new(|_, _| (ms(1), Reply::Granted));
    script.set_signals(of("X-Mine"), 7);
    let (quota, script) = script.quota_with(|config| config.interpreter(Constant));
    assert_eq!(reported_as_left(&quota, &script).await, Some(42));
    assert_eq!(script.signals_calls(), 0);
}
