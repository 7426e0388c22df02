//! The Apportion server as a library: what the binary `apportion` is made of.

pub mod cli;
pub mod clock;
pub mod engine;
pub mod service;
pub mod store;
