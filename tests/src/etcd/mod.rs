//! A real etcd on the loopback: one or three members, each a process with a directory of its own, and what may happen to them.
//! Everything is gone when it is dropped.

mod cluster;
mod member;
mod operate;
mod program;
mod proxy;
mod seen;

pub use cluster::{Etcd, EtcdShape};
pub use operate::Restored;
pub use proxy::{Cut, Proxy};
pub use seen::until_seen;
