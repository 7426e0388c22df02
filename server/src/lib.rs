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

#[cfg(test)]
mod fuzz;
