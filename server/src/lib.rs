//! The Apportion server as a library: what the binary `apportion` is made of. Modules stand in reading order, bottom first.

pub mod clock;
pub mod convert;
pub mod status;
pub mod store;

pub mod engine;
pub mod service;

pub mod serve;

pub mod preset;

pub mod config;

pub mod cli;

#[cfg(test)]
mod fuzz;

// The store that fails on demand is shared with the integration tests, which know this crate by its name.
#[cfg(test)]
extern crate self as apportion_server;
#[cfg(test)]
#[path = "../tests/faulty/mod.rs"]
mod faulty;
