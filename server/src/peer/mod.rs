//! Calls on their way to other nodes: a few streams to each, which carry the calls of many callers by id.
//!
//! Knows addresses and messages. Which node owns what, and what to do about a lost stream, is for others to decide. Modules stand in
//! reading order, bottom first.

mod connect;

mod call;

mod link;

mod pump;

mod peers;

#[cfg(test)]
mod tests;

pub use connect::PeerTls;

pub(crate) use call::{CallSubject, PeerReply};
pub(crate) use link::{IN_FLIGHT_MAX, PeerLink, SUBSCRIPTIONS_MAX};
pub(crate) use peers::Peers;
