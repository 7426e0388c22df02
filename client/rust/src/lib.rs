//! What a service that calls a provider uses to keep to its leases. Knows the contract, and nothing of the server or the core.
//!
//! # Leases
//!
//! A [`Lease`] is a number of permits until an end. Each attempt on the wire takes one, retries and redirects too. What is not
//! taken goes back when it is dropped, for others in the same window.
//!
//! ```no_run
//! use apportion_client::{Config, Quota, Request};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("sync").caller("sync-1"))?;
//! let lease = quota.acquire(&Request::new().permits(5)).await?;
//! while lease.take() {
//!     // Hand one request on to the provider.
//! }
//! drop(lease);
//! quota.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Permits held ready
//!
//! A [`Prefetch`] holds the permits that are about to be taken, so that taking one costs no call. It asks for what the last
//! half second says will be taken in the next 100 ms, and for what is waited for. While others wait too, it asks for the latter
//! alone. What is not taken for 200 ms goes back, and what would end soon. See [`Ahead`] to change these.
//!
//! ```no_run
//! use apportion_client::{Ahead, Config, Priority, Quota, Request, headers};
//! use std::time::Duration;
//!
//! # async fn send() -> http::Response<()> { http::Response::new(()) }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("checkout").caller("shop-1"))?;
//! let urgent = Request::new().priority(Priority::Critical).max_wait(Duration::from_secs(2));
//! let prefetch = quota.prefetch(&urgent, Ahead::new());
//! let permit = prefetch.permit().await?; // Held already, or waited for, first come first served.
//! let response = send().await;
//! permit.observe(headers::observe(response.status(), response.headers(), None));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Permit`] counts as used when it is dropped; [`Permit::put_back`] is for the request that was certainly not sent.
//!
//! # HTTP
//!
//! With the feature `tower` there is a layer that takes a permit for each request, with `reqwest` a middleware that does so for
//! each attempt; both report what the responses say. The feature `tls` allows an endpoint of `https`.
//!
//! # Ends and refusals
//!
//! No permit is taken at or after the end of its lease. That is checked at each take, on a clock that goes on while the machine
//! sleeps and the process is stopped; so take it as late as possible, and send at once. [`AcquireError`] tells why no lease
//! came, and how long asking again is of no use.
//!
//! Modules stand in reading order, bottom first.

pub mod clock;
pub mod headers;
pub mod held;

mod config;
mod error;
mod request;

mod backoff;
mod fallback;
mod settle;

mod lease;
mod permit;
mod quota;

mod prefetch;
mod supply;

#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "tower")]
pub mod tower;

pub use apportion_proto::v1::{Observation, Priority, Reason};
pub use config::{Config, ConfigError, Fallback};
pub use error::AcquireError;
pub use lease::Lease;
pub use permit::Permit;
pub use prefetch::{Ahead, Prefetch};
pub use quota::Quota;
pub use request::Request;
pub use supply::Supply;
