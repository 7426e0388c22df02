//! The Rust client of Apportion: leases of a request budget that many services share at one provider.
//!
//! A service asks for a permit before each request to the provider, and reports what the response says. The server grants no
//! more permits than the provider allows, and divides them fairly among the teams that ask.
//!
//! # Leases
//!
//! A [`Lease`] is a number of permits that are valid for a short time. Each attempt on the wire takes one permit, including
//! retries and redirects. When the lease is dropped, unused permits are returned and granted to others in the same window.
//!
//! ```no_run
//! use apportion_client::{Config, Quota, Request};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("sync").caller("sync-1"))?;
//! let lease = quota.acquire(&Request::new().permits(5)).await?;
//! while lease.take() {
//!     // Send one request to the provider.
//! }
//! drop(lease);
//! quota.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Prefetching
//!
//! A [`Prefetch`] holds permits ready, so that taking one needs no call. It requests what the rate of the last half second
//! predicts for the next 250 ms, and what callers wait for. While requests of others wait on the server, it requests only the
//! latter. It returns permits that are idle for 200 ms or about to expire. [`PrefetchOptions`] changes these values.
//!
//! ```no_run
//! use apportion_client::signals::ProviderResponse;
//! use apportion_client::{Config, PrefetchOptions, Priority, Quota, Request};
//! use std::time::Duration;
//!
//! # async fn send() -> http::Response<()> { http::Response::new(()) }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("checkout").caller("shop-1"))?;
//! let urgent = Request::new().priority(Priority::Critical).max_wait(Duration::from_secs(2));
//! let prefetch = quota.prefetch(&urgent, PrefetchOptions::new());
//! let permit = prefetch.permit().await?; // Ready at once, or first come, first served.
//! let response = send().await;
//! permit.observe_response(&ProviderResponse::new(response.status(), response.headers()));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Permit`] counts as used when it is dropped. [`Permit::put_back`] returns the permit of a request that was not sent.
//!
//! # HTTP clients
//!
//! The `tower` module has a layer that takes a permit for each request, and the `reqwest` module a middleware that takes one
//! for each attempt. Both report what the responses say: the [`signals`] of the workspace tell them how to read it.
//!
//! # Expiry and refusals
//!
//! No permit can be taken once its lease has expired. Each take checks this on a clock that continues while the machine sleeps
//! or the process is stopped. Take a permit as late as possible and send the request at once. [`AcquireError`] says why no
//! lease was granted and when to retry.
//!
//! # Features
//!
//! - `tls`: `https` addresses.
//! - `native-roots`: trusts the certificate authorities of the system, if none is configured. Includes `tls`.
//! - `tower`: the `tower` module.
//! - `testing`: the `testing` module, a fake server in memory for your own tests.
//! - `reqwest`: the `reqwest` module. It enables no TLS backend of reqwest; choose one in your own dependencies.

// Modules are in reading order, bottom first: each uses only those above it.

pub mod clock;
pub mod pool;

mod observation;

pub mod signals;

mod interpreter;

mod config;
mod error;
mod request;

mod attempts;
mod background;
mod backoff;
mod fallback;
mod slots;

mod service;
mod settle;
mod signals_source;

mod remote;

mod lease;
mod permit;

mod acquire;
mod quota;

mod prefetch;
mod source;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod scenarios;

#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "tower")]
pub mod tower;

pub use apportion_proto::v1::{Observation, Priority, Reason};
pub use config::{Config, ConfigError, Fallback};
pub use error::AcquireError;
pub use lease::Lease;
pub use permit::Permit;
pub use prefetch::{Prefetch, PrefetchOptions};
pub use quota::Quota;
pub use request::Request;
pub use source::PermitSource;
