//! The Apportion server as a library: what the binary `apportion` is made of.

pub mod cli;
pub mod store;
