//! The reqwest middleware: a permit for each attempt on the wire, as counted by the provider.

use crate::fake::{Answer, Fake};
use crate::prefetch::{settled, until};
use apportion_client::reqwest::{PermitMiddleware, acquire_error};
use apportion_client::{Config, PrefetchOptions, Quota, Reason, Request};
use http::{Extensions, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reqwest_middleware::reqwest::{self, redirect::Policy};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

const LONG: Duration = Duration::from_secs(30);

/// A provider that counts requests and responds with one status after the other, repeating the last one.
pub(crate) struct Provider {
    pub(crate) url: String,
    counted: Arc<AtomicU32>,
}

impl Provider {
    pub(crate) async fn start(statuses: &'static [u16], location: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let counted = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&counted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (count, location) = (Arc::clone(&count), location.clone());
                let answer = service_fn(move |_| {
                    let at = count.fetch_add(1, Ordering::Relaxed);
                    let at = usize::try_from(at).expect("few").min(statuses.len() - 1);
                    let mut response = Response::builder()
                        .status(statuses[at])
                        .header("x-ratelimit-limit", "166")
                        .header("x-ratelimit-remaining", "5");
                    if let Some(location) = &location {
                        response = response.header("location", location);
                    }
                    let response = response.body(Empty::<Bytes>::new()).expect("a response");
                    async { Ok::<_, Infallible>(response) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { url, counted }
    }

    pub(crate) fn counted(&self) -> u32 {
        self.counted.load(Ordering::Relaxed)
    }
}

/// Retries a request while the provider fails, with three attempts at most.
struct Retry;

#[tonic::async_trait]
impl Middleware for Retry {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        for _ in 0..2 {
            let copy = request.try_clone().expect("a request without a stream");
            let response = next.clone().run(copy, extensions).await?;
            if !response.status().is_server_error() {
                return Ok(response);
            }
        }
        next.run(request, extensions).await
    }
}

fn quota(fake: &Fake) -> Quota {
    Quota::connect(Config::new(fake.url())).expect("a configuration")
}

fn http(policy: Policy, permits: PermitMiddleware) -> ClientWithMiddleware {
    let http = reqwest::Client::builder().redirect(policy).build().expect("a client");
    ClientBuilder::new(http).with(Retry).with(permits).build()
}

#[tokio::test]
async fn each_attempt_takes_a_permit_and_its_response_is_reported() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let provider = Provider::start(&[503, 503, 200], None).await;
    let quota = quota(&fake);
    let http =
        http(Policy::none(), PermitMiddleware::new(quota.prefetch(&Request::new(), PrefetchOptions::new())));
    let response = http.get(&provider.url).send().await.expect("a response");
    assert_eq!((response.status(), provider.counted()), (StatusCode::OK, 3));
    drop((response, http));
    until(|| settled(&fake).0 == 3).await;
    let settles = fake.settles();
    let mut seen: Vec<_> = settles.iter().flat_map(|settle| &settle.observations).collect();
    seen.sort_by_key(|seen| seen.status);
    assert_eq!(seen.iter().map(|seen| seen.status).collect::<Vec<_>>(), [200, 503, 503]);
    assert!(seen.iter().all(|seen| seen.limit_permits == Some(166) && seen.remaining_permits == Some(5)));
}

#[tokio::test]
async fn without_a_permit_nothing_is_sent_and_the_error_says_why() {
    let fake = Fake::start([Answer::refusal(Reason::TeamCapReached, Some(Duration::from_secs(7)))]).await;
    let provider = Provider::start(&[200], None).await;
    let permits = PermitMiddleware::new((quota(&fake), Request::new().max_wait(LONG)));
    let http = http(Policy::none(), permits);
    let error = http.get(&provider.url).send().await.expect_err("it is refused");
    let refusal = acquire_error(&error).expect("a refusal");
    assert_eq!((refusal.retry_after(), provider.counted()), (Some(Duration::from_secs(7)), 0));
}

#[tokio::test]
async fn the_permit_of_an_unsent_request_is_returned() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let quota = quota(&fake);
    let permits = PermitMiddleware::new((quota.clone(), Request::new())).return_unsent();
    let http = http(Policy::none(), permits);
    let error = http.get(Fake::nobody().await).send().await.expect_err("nobody listens");
    assert!(acquire_error(&error).is_none());
    quota.close().await;
    assert_eq!(settled(&fake), (0, 1));
}

#[tokio::test]
async fn the_permit_of_a_failed_redirect_is_used() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let provider = Provider::start(&[302], Some(Fake::nobody().await)).await;
    let quota = quota(&fake);
    let http = http(Policy::limited(3), PermitMiddleware::new((quota.clone(), Request::new())));
    let _ = http.get(&provider.url).send().await.expect_err("nobody listens there");
    quota.close().await;
    assert_eq!((settled(&fake), provider.counted()), ((1, 0), 1));
}

#[tokio::test]
async fn a_429_is_a_throttle_and_is_reported_at_once() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let provider = Provider::start(&[429], None).await;
    let quota = quota(&fake);
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    let http = http(Policy::none(), PermitMiddleware::new(prefetch));
    let response = http.get(&provider.url).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    until(|| fake.settles().iter().any(|settle| settle.observations.iter().any(|seen| seen.throttled))).await;
}
