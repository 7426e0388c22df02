//! The Apportion server: leases of a request budget over gRPC, on an embedded store. Modules stand in reading order, bottom first.
//!
//! [`serve::Running`] is the server itself. What else is public is for programs beside it: the store with its backups, the engine
//! without a network, and the resources that administrators define.

pub mod clock;
pub mod error;
pub mod store;

pub mod engine;

mod usage;

pub mod owners;

pub mod membership;

mod convert;
mod domains;
mod status;

pub mod peer;

pub mod leases;

pub mod signals;

pub mod preset;
pub mod resource;
mod service;

pub mod definition;

pub mod config;
pub mod serve;

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod faulty;
