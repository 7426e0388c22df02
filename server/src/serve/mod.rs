//! Runs the server: opens the store, starts the engine, listens, and stops gracefully.

mod activity;
mod call;
mod driver;
mod preface;
mod services;
mod tls;

mod connection;
mod registry;

mod listen;
mod peers;

mod error;
mod permissions;
mod signals;
mod sole;
mod start;

mod running;

#[cfg(test)]
mod tests;

pub use error::ServeError;
pub use running::Running;
