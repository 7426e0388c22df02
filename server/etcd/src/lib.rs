//! A client of etcd with the calls that Apportion makes.
//!
//! It sends a write once: a second attempt is made only where the first certainly did not arrive, so an answer that is lost is
//! reported as such. It notices that etcd was restored from a backup. Knows nothing of what is kept there.
//!
//! Reading order: `error`, `options`, `history`, `members`, `client`, `calls`, `watch`, `keep_alive`.

mod error;
mod history;
mod options;

mod members;

mod client;

mod calls;
mod keep_alive;
mod watch;

/// The messages and the generated clients of etcd's API, as far as it is used.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
pub mod api {
    tonic::include_proto!("etcdserverpb");
}

pub use calls::{Comparison, Listed, TxnRequest, Written, range_end};
pub use client::EtcdClient;
pub use error::EtcdError;
pub use keep_alive::KeepAlive;
pub use options::{EtcdOptions, Login, TlsFiles};
pub use watch::{Watched, Watcher};
