//! A reqwest middleware that takes a permit for each attempt and reports what the response says.
//!
//! Add it last, below every middleware that may send a request again. Middleware does not see redirects that reqwest follows by
//! itself, so these would be sent without a permit. Build the client with `redirect(Policy::none())`, and follow redirects
//! through the same client.
//!
//! ```no_run
//! use apportion_client::reqwest::PermitMiddleware;
//! use apportion_client::{Config, PrefetchOptions, Quota, Request};
//! use reqwest_middleware::ClientBuilder;
//! use reqwest_middleware::reqwest::{Client, redirect::Policy};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("sync").caller("sync-1"))?;
//! let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
//! let http = Client::builder().redirect(Policy::none()).build()?;
//! let http = ClientBuilder::new(http).with(PermitMiddleware::new(prefetch).return_unsent()).build();
//! let response = http.get("http://api.example.com/contacts").send().await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```

mod ahead;

use crate::error::AcquireError;
use crate::permit::Permit;
use crate::signals::{BODY_MAX, Interpret, ProviderResponse};
use crate::source::PermitSource;
use ahead::read_ahead;
use http::Extensions;
use reqwest_middleware::reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use tonic::async_trait;

/// A middleware that takes a permit for each attempt. See the [module documentation](self).
#[derive(Clone, Debug)]
pub struct PermitMiddleware {
    source: PermitSource,
    returns_unsent: bool,
}

impl PermitMiddleware {
    /// Creates a middleware that takes permits from `source`, a [`Prefetch`](crate::Prefetch) or a [`Quota`](crate::Quota) with a
    /// [`Request`](crate::Request).
    pub fn new(source: impl Into<PermitSource>) -> Self {
        Self { source: source.into(), returns_unsent: false }
    }

    /// Returns the permit of an attempt for which no connection could be made.
    ///
    /// Use it only with `redirect(Policy::none())`. Otherwise the failed connection may be that of a redirect, after a request was
    /// already sent.
    #[must_use]
    pub fn return_unsent(self) -> Self {
        Self { returns_unsent: true, ..self }
    }
}

#[async_trait]
impl Middleware for PermitMiddleware {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let permit = self.source.permit().await.map_err(Error::middleware)?;
        match next.run(request, extensions).await {
            Ok(response) => Ok(observed(&permit, response).await),
            Err(error) => {
                if self.returns_unsent && is_unsent(&error) {
                    permit.put_back();
                }
                Err(error)
            }
        }
    }
}

/// Reports what a response says. The start of its body is read ahead if that decides.
async fn observed(permit: &Permit, response: Response) -> Response {
    let head = ProviderResponse::new(response.status(), response.headers());
    if !permit.interpreter().wants_body(&head) {
        permit.observe_response(&head);
        return response;
    }
    let (response, body) = read_ahead(response, BODY_MAX).await;
    let head = ProviderResponse::new(response.status(), response.headers());
    permit.observe_response(&ProviderResponse { body: body.as_deref(), ..head });
    response
}

/// Returns why no permit was granted, if that is the cause of the error. Nothing was sent then.
pub fn acquire_error(error: &Error) -> Option<&AcquireError> {
    match error {
        Error::Middleware(error) => error.downcast_ref(),
        Error::Reqwest(_) => None,
    }
}

/// Whether nothing was sent, provided that no redirect was followed: the request is invalid, or no connection was made.
fn is_unsent(error: &Error) -> bool {
    matches!(error, Error::Reqwest(error) if error.is_builder() || error.is_connect())
}
