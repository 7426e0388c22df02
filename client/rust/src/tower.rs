//! A tower layer that takes a permit for each request and reports what the response says.
//!
//! Put it below every layer that may send a request more than once, such as a retry, so that each attempt takes a permit.
//!
//! ```no_run
//! use apportion_client::tower::PermitLayer;
//! use apportion_client::{Config, PrefetchOptions, Quota, Request};
//! # use http::Response;
//! # use std::convert::Infallible;
//! use tower::ServiceBuilder;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let http_client = tower::service_fn(async |_: http::Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("sync").caller("sync-1"))?;
//! let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
//! let service = ServiceBuilder::new()
//!     .layer(PermitLayer::http(prefetch))
//!     .service(http_client);
//! # let _: tower::util::BoxCloneService<_, _, _> = tower::util::BoxCloneService::new(service);
//! # Ok(())
//! # }
//! ```

use crate::error::AcquireError;
use crate::permit::Permit;
use crate::signals::ProviderResponse;
use crate::source::PermitSource;
use apportion_proto::v1::Observation;
use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// A layer that makes a service take a permit for each request. See the [module documentation](self).
#[derive(Clone, Debug)]
pub struct PermitLayer<O> {
    source: PermitSource,
    observe: O,
}

impl<O> PermitLayer<O> {
    /// Creates a layer that takes permits from `source`, a [`Prefetch`](crate::Prefetch) or a [`Quota`](crate::Quota) with a
    /// [`Request`](crate::Request).
    ///
    /// It reports what `observe` returns for a response. For HTTP, [`http`](PermitLayer::http) needs no function.
    pub fn new(source: impl Into<PermitSource>, observe: O) -> Self {
        Self { source: source.into(), observe }
    }
}

impl PermitLayer<BySignals> {
    /// Creates a layer for HTTP responses, which it interprets by the [`signals`](crate::signals) of the workspace.
    ///
    /// It does not see bodies: a refusal whose meaning depends on its body counts as a throttle.
    pub fn http(source: impl Into<PermitSource>) -> Self {
        Self::new(source, BySignals)
    }
}

/// Reports what a response says. A function that returns an observation does so.
pub trait Observe<R> {
    /// Reports a response to the request that the permit was taken for.
    fn observe(&self, permit: &Permit, response: &R);
}

/// Interprets HTTP responses by the signals of the workspace.
#[derive(Clone, Copy, Debug)]
pub struct BySignals;

impl<R, F: Fn(&R) -> Option<Observation>> Observe<R> for F {
    fn observe(&self, permit: &Permit, response: &R) {
        if let Some(observation) = self(response) {
            permit.observe(observation);
        }
    }
}

impl<B> Observe<http::Response<B>> for BySignals {
    fn observe(&self, permit: &Permit, response: &http::Response<B>) {
        permit.observe_response(&ProviderResponse::new(response.status(), response.headers()));
    }
}

#[cfg(feature = "reqwest")]
impl Observe<reqwest_middleware::reqwest::Response> for BySignals {
    fn observe(&self, permit: &Permit, response: &reqwest_middleware::reqwest::Response) {
        permit.observe_response(&ProviderResponse::new(response.status(), response.headers()));
    }
}

impl<S, O: Clone> Layer<S> for PermitLayer<O> {
    type Service = PermitService<S, O>;

    fn layer(&self, inner: S) -> Self::Service {
        PermitService { inner, source: self.source.clone(), observe: self.observe.clone() }
    }
}

/// A service that takes a permit before it calls the inner service.
///
/// It is ready when the inner service is. It waits for the permit in the call, so that no permit is held without a request.
#[derive(Clone, Debug)]
pub struct PermitService<S, O> {
    inner: S,
    source: PermitSource,
    observe: O,
}

impl<S, O, R> Service<R> for PermitService<S, O>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Send,
    O: Observe<S::Response> + Clone + Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = PermitError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(PermitError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // Only this instance was polled ready, so the call takes it and leaves the clone.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let (source, observe) = (self.source.clone(), self.observe.clone());
        Box::pin(async move {
            let permit = source.permit().await.map_err(PermitError::Acquire)?;
            let response = inner.call(request).await.map_err(PermitError::Inner)?;
            observe.observe(&permit, &response);
            Ok(response)
        })
    }
}

/// Why a [`PermitService`] returned no response.
#[derive(Clone, Debug)]
pub enum PermitError<E> {
    /// No permit was granted, so nothing was sent.
    Acquire(AcquireError),
    /// The inner service failed. The permit counts as used.
    Inner(E),
}

impl<E: Display> Display for PermitError<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acquire(error) => write!(f, "no permit: {error}"),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: Debug + Display> Error for PermitError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Acquire(error) => Some(error),
            Self::Inner(_) => None,
        }
    }
}
