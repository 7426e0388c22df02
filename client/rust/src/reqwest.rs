//! A middleware of reqwest: each attempt takes a permit before it is sent, and what the response says is reported.
//!
//! Add it last, below every middleware that sends a request again. What reqwest itself sends again, no middleware sees: a
//! redirect that it follows is an attempt without a permit. So build it with `redirect(Policy::none())` and follow redirects
//! yourself, through the same client.
//!
//! ```no_run
//! use apportion_client::reqwest::PermitMiddleware;
//! use apportion_client::{Ahead, Config, Quota, Request};
//! use reqwest_middleware::ClientBuilder;
//! use reqwest_middleware::reqwest::{Client, redirect::Policy};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("sync").caller("sync-1"))?;
//! let prefetch = quota.prefetch(&Request::new(), Ahead::new());
//! let http = Client::builder().redirect(Policy::none()).build()?;
//! let http = ClientBuilder::new(http).with(PermitMiddleware::new(prefetch).give_back_unsent()).build();
//! let response = http.get("http://api.example.com/contacts").send().await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```

use crate::error::AcquireError;
use crate::headers;
use crate::supply::Supply;
use http::Extensions;
use reqwest_middleware::reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use tonic::async_trait;

/// Takes a permit for each attempt that passes it.
#[derive(Clone, Debug)]
pub struct PermitMiddleware {
    supply: Supply,
    gives_back: bool,
}

impl PermitMiddleware {
    /// Takes permits of this supply.
    pub fn new(supply: impl Into<Supply>) -> Self {
        Self { supply: supply.into(), gives_back: false }
    }

    /// Gives a permit back where no connection was made, so that nothing was sent. Only for a client with
    /// `redirect(Policy::none())`: where a redirect leads nowhere, another request had been sent before it.
    #[must_use]
    pub fn give_back_unsent(self) -> Self {
        Self { gives_back: true, ..self }
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
        let permit = self.supply.permit().await.map_err(Error::middleware)?;
        let answer = next.run(request, extensions).await;
        match &answer {
            Ok(response) => permit.observe(headers::observe(response.status(), response.headers(), None)),
            Err(error) if self.gives_back && is_unsent(error) => permit.put_back(),
            Err(_) => {}
        }
        answer
    }
}

/// Why there was no permit, where that is what the error is about: nothing was sent then.
pub fn refusal(error: &Error) -> Option<&AcquireError> {
    match error {
        Error::Middleware(error) => error.downcast_ref(),
        Error::Reqwest(_) => None,
    }
}

/// Whether nothing was sent, if no redirect was followed: there was no connection, or nothing to send.
fn is_unsent(error: &Error) -> bool {
    matches!(error, Error::Reqwest(error) if error.is_builder() || error.is_connect())
}
