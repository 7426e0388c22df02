//! What a service that calls a provider uses to keep to its leases. Knows the contract, and nothing of the server or the core.
//!
//! ```no_run
//! use apportion_client::{Config, Quota, Request};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::connect(Config::new("http://127.0.0.1:7420").team("sync").caller("sync-1"))?;
//! let lease = quota.acquire(&Request::new().permits(5)).await?;
//! while lease.take() {
//!     // Hand one request on to the provider. Each attempt on the wire takes a permit, retries and redirects too.
//! }
//! drop(lease); // What was not taken goes back, for others in the same window.
//! quota.close().await;
//! # Ok(())
//! # }
//! ```
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
