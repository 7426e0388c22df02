//! The client against a scripted server, over a real connection.

mod fake;
mod log;

#[cfg(feature = "reqwest")]
mod bodies;
#[cfg(feature = "reqwest")]
mod example;
mod leases;
mod nodes;
mod prefetch;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "tower")]
mod tower;
