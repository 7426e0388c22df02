//! The surface: gRPC for services and administrators, HTTP for those who watch.
//!
//! Handlers are short: who calls, what is asked, may it, do it, say it. Knows no rule of sharing.

pub mod admin;
pub mod authorize;
pub mod certificates;
pub(crate) mod deadline;
mod exchange;
pub mod gate;
pub mod guesses;
pub mod http;
pub mod metrics;
pub mod quota;
pub mod scrape;
mod snapshot;
mod validity;
mod watch;
mod watchers;
