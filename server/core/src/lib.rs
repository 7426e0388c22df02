//! The core of Apportion decides which request gets permits when, and keeps their sum within the budget of every window.
//!
//! It is a function of (state, now, input): no clock, no I/O, no randomness, no floating point. Modules are listed in reading
//! order, bottom first; each uses only those above it.

pub mod mutant;

pub mod permits;
pub mod time;

pub mod ids;
pub mod priority;

pub mod bounds;
pub mod policy;
pub mod window;

pub mod request;

pub mod explanation;

pub mod observation;

pub mod facts;

pub mod ledger;

mod boxed;
mod slab;

mod share;

mod blocks;
mod limit;

mod effect;
mod previous;
mod windows;

mod lease;
mod queue;

mod request_ids;

mod replies;

mod contest;
mod reshaping;

mod rules;
mod undecided;

mod granting;

pub mod allocator;

pub mod host;

pub mod scenario;
