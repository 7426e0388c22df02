//! The store of a cluster: keys below one prefix of an etcd, changed by its transactions.
//!
//! A transaction is sent once, and whatever is not certainly refused is `Unknown`. The history of the store is another one after etcd
//! was restored from a backup. Reading order: `keys`, `link`, `failure`, `runtime`, `transaction`, `meta`, `database`, `follow`, `session`.

mod database;
mod failure;
mod follow;
mod keys;
mod link;
mod meta;
mod runtime;
mod session;
mod transaction;

pub use database::Etcd;
pub use follow::{Follow, Followed, SeenKeys};
pub use keys::CLUSTER_LONGEST;
pub use link::EtcdSettings;
pub use session::{SESSION_SECONDS, Session, SessionValue};
