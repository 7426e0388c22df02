//! Wire ↔ engine and core: what comes in is checked here once, what goes out is written here once. Pure: no store, no lock, no
//! clock.
//!
//! One file a subject. Each error names the field at fault, what is wrong with it, and what is allowed.

pub(crate) mod field;
pub(crate) mod time;

pub(crate) mod names;
pub(crate) mod priority;
pub(crate) mod recent;

pub(crate) mod lease;
pub(crate) mod observation;
pub(crate) mod settle;

pub(crate) mod cluster;
pub(crate) mod domain;
pub(crate) mod envoy;
pub(crate) mod team;
pub(crate) mod workspace;

#[cfg(test)]
mod tests;
