//! The simulated provider, called over real HTTP.

mod world;

mod connections;
mod responses;
