//! Errors ↔ gRPC: the one table of the reason, status code and details that each [`crate::error::Error`] goes out with.
//! `reason.proto` is its specification.

mod code;
mod failure;
mod reason;

pub use failure::{ErrorScope, Failure};

#[cfg(test)]
mod tests;
