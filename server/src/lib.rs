//! The Apportion server: everything behind the command `apportion serve`. Modules stand in reading order, bottom first.

pub mod clock;
pub mod error;
pub mod store;

pub mod engine;

pub mod convert;
pub mod status;

pub mod preset;
pub mod service;

pub mod config;
pub mod serve;

#[cfg(test)]
mod fuzz;

// The store that fails on demand is shared with the integration tests, which know this crate by its name.
#[cfg(test)]
extern crate self as apportion_server;
#[cfg(test)]
#[path = "../tests/faulty/mod.rs"]
mod faulty;
