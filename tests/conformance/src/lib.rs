//! One suite that holds every client library to the same behavior: cases as data, thin drivers, scripted servers and providers.
//!
//! The README describes the protocol between the runner and the drivers.

// Modules are in reading order, bottom first: each uses only those above it.

/// The messages of `apportion.conformance.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/apportion.conformance.v1.rs"));
}

pub mod frame;
pub mod signals;

pub mod provider;
pub mod scripted;

pub mod case;

pub mod driver;
pub mod world;

pub mod play;

pub mod run;
