//! The calls: gRPC for services and administrators, HTTP for monitoring.
//!
//! Handlers are short: identify the caller, convert the request, authorize it, act, and convert the answer. Knows no rule of
//! sharing. Modules stand in reading order, bottom first.

pub(crate) mod deadline;
pub(crate) mod guesses;
mod validity;

pub(crate) mod authorize;
pub(crate) mod certificates;
pub(crate) mod gate;

mod hint;
mod lease_calls;
mod watchers;

mod exchange;
mod explanation;
mod snapshot;
mod watch;

mod signals;
mod usage;

pub(crate) mod quota;

pub(crate) mod envoy;

pub(crate) mod passed;

pub(crate) mod admin;

pub(crate) mod metrics;

pub(crate) mod http;
