//! A tower layer: each request takes a permit before the service below is called, and what the response says is reported.
//!
//! Put it below everything that sends a request more than once, such as a retry, so that each attempt takes a permit.
//!
//! ```no_run
//! use apportion_client::tower::PermitLayer;
//! use apportion_client::{Ahead, Config, Quota, Request, headers};
//! # use http::Response;
//! # use std::convert::Infallible;
//! use tower::ServiceBuilder;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let http_client = tower::service_fn(async |_: http::Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("sync").caller("sync-1"))?;
//! let prefetch = quota.prefetch(&Request::new(), Ahead::new());
//! let service = ServiceBuilder::new()
//!     .layer(PermitLayer::new(prefetch, headers::of_response::<String>))
//!     .service(http_client);
//! # let _: tower::util::BoxCloneService<_, _, _> = tower::util::BoxCloneService::new(service);
//! # Ok(())
//! # }
//! ```

use crate::error::AcquireError;
use crate::supply::Supply;
use apportion_proto::v1::Observation;
use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Makes services take a permit for each request.
#[derive(Clone, Debug)]
pub struct PermitLayer<O> {
    supply: Supply,
    observe: O,
}

impl<O> PermitLayer<O> {
    /// Takes permits of this supply, and reports what `observe` reads off a response; for HTTP
    /// [`crate::headers::of_response`].
    pub fn new(supply: impl Into<Supply>, observe: O) -> Self {
        Self { supply: supply.into(), observe }
    }
}

impl<S, O: Clone> Layer<S> for PermitLayer<O> {
    type Service = Permitted<S, O>;

    fn layer(&self, inner: S) -> Self::Service {
        Permitted { inner, supply: self.supply.clone(), observe: self.observe.clone() }
    }
}

/// A service that takes a permit for each request, and calls the one below only with it.
///
/// It is ready when the one below is: permits are waited for in the call, so that nobody holds one without a request.
#[derive(Clone, Debug)]
pub struct Permitted<S, O> {
    inner: S,
    supply: Supply,
    observe: O,
}

impl<S, O, R> Service<R> for Permitted<S, O>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Send,
    O: Fn(&S::Response) -> Option<Observation> + Clone + Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = PermitError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(PermitError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // It is this one that was found ready; the clone that stays need not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let (supply, observe) = (self.supply.clone(), self.observe.clone());
        Box::pin(async move {
            let permit = supply.permit().await.map_err(PermitError::Acquire)?;
            let response = inner.call(request).await.map_err(PermitError::Inner)?;
            if let Some(observation) = observe(&response) {
                permit.observe(observation);
            }
            Ok(response)
        })
    }
}

/// Why a request has no response.
#[derive(Clone, Debug)]
pub enum PermitError<E> {
    /// There was no permit: nothing was sent.
    Acquire(AcquireError),
    /// The service below failed; the permit counts as used.
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
