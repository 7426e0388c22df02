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

mod documents;
mod permissions;
mod shards;
mod signals;

mod member;
mod start;

mod running;

#[cfg(test)]
mod tests;

pub use error::ServeError;
pub use running::Running;
