//! Errors ↔ gRPC: the one table of the reason, status code and details that each [`crate::error::Error`] goes out with.
//! `reason.proto` is its specification.

mod code;
mod failure;
mod reason;

pub(crate) use failure::ErrorScope;

#[cfg(test)]
mod tests;
