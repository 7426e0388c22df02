//! Drivers: where they are found, and a running one with its requests and responses.

pub mod catalog;
pub mod process;

pub use catalog::DriverCommand;
pub use process::{Answer, Driver, Requests};
