//! The tower layer: a permit for each request, taken in the call.

use crate::fake::{Answer, Fake};
use crate::prefetch::{settled, until};
use apportion_client::tower::{PermitError, PermitLayer};
use apportion_client::{Config, PrefetchOptions, Quota, Reason, Request};
use http::Response;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service, ServiceExt};

const LONG: Duration = Duration::from_secs(30);

fn quota(fake: &Fake) -> Quota {
    Quota::connect(Config::new(fake.url())).expect("a configuration")
}

/// A service that must be polled ready before each call, and responds with the requested status.
#[derive(Default)]
struct Http {
    is_ready: bool,
    calls: Arc<AtomicU32>,
}

impl Clone for Http {
    fn clone(&self) -> Self {
        Self { is_ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<u16> for Http {
    type Response = Response<()>;
    type Error = String;
    type Future = std::future::Ready<Result<Response<()>, String>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, status: u16) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        let response = Response::builder().status(status).header("x-ratelimit-remaining", "7").body(());
        std::future::ready(response.map_err(|_| "broken".to_owned()))
    }
}

#[tokio::test]
async fn each_request_takes_a_permit_and_its_response_is_reported() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let quota = quota(&fake);
    let layer = PermitLayer::http(quota.prefetch(&Request::new(), PrefetchOptions::new()));
    let mut service = layer.layer(Http::default());
    for _ in 0..3 {
        let response = service.ready().await.expect("ready").call(200).await.expect("a response");
        assert_eq!(response.status(), 200);
    }
    drop((service, layer));
    until(|| settled(&fake).0 == 3).await;
    let settles = fake.settles();
    let seen: Vec<_> = settles.iter().flat_map(|settle| &settle.observations).collect();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.remaining_permits == Some(7) && seen.status == 200));
}

#[tokio::test]
async fn without_a_permit_the_inner_service_is_not_called_and_the_error_says_why() {
    let no = Answer::refusal(Reason::WindowExhausted, Some(Duration::from_secs(7)));
    let fake = Fake::start([no]).await;
    let http = Http::default();
    let calls = Arc::clone(&http.calls);
    let layer = PermitLayer::http((quota(&fake), Request::new().max_wait(LONG)));
    let error = layer.layer(http).oneshot(200).await.expect_err("it is refused");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    let PermitError::Acquire(refusal) = &error else { panic!("{error}") };
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(7)));
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn an_error_of_the_inner_service_is_passed_on_and_its_permit_is_used() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let quota = quota(&fake);
    let layer = PermitLayer::http((quota.clone(), Request::new()));
    let error = layer.layer(Http::default()).oneshot(9999).await.expect_err("no such status");
    assert!(matches!(&error, PermitError::Inner(inner) if inner == "broken"), "{error}");
    quota.close().await;
    assert_eq!(settled(&fake), (1, 0));
}

#[tokio::test]
async fn polling_readiness_takes_no_permit() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let layer = PermitLayer::http((quota(&fake), Request::new()));
    let mut service = layer.layer(Http::default());
    poll_fn(|context| service.poll_ready(context)).await.expect("ready");
    drop(service.call(200));
    assert!(fake.acquires().is_empty());
}
