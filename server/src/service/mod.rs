//! The calls: gRPC for services and administrators, HTTP for monitoring.
//!
//! Handlers are short: identify the caller, convert the request, authorize it, act, and convert the answer. Knows no rule of
//! sharing. Modules stand in reading order, bottom first.

pub(crate) mod deadline;
pub mod guesses;
mod validity;

pub mod authorize;
pub mod certificates;
pub mod gate;

mod lease_calls;
mod watchers;

mod exchange;
mod snapshot;
mod watch;

pub mod quota;

pub mod admin;

pub mod metrics;

pub mod http;
