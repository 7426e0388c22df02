//! The surface: gRPC for services and administrators, HTTP for those who watch.
//!
//! Handlers are short: who calls, what is asked, may it, do it, say it. Knows no rule of sharing.

pub(crate) mod admin;
pub(crate) mod authorize;
pub(crate) mod certificates;
pub(crate) mod deadline;
mod exchange;
pub(crate) mod gate;
pub(crate) mod guesses;
pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod quota;
pub(crate) mod scrape;
mod snapshot;
mod validity;
mod watch;
mod watchers;
