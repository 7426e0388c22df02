//! A scripted Apportion: answers the calls of the contract as a script says, with faults below gRPC, and records what was asked.
//!
//! `script` is what a case says; `leases` what was granted and reported; `record` what was called; `decide` turns a message into an
//! answer; `grpc` are frames and trailers; `call` one stream; `exchange` the calls over one stream; `server` listens.

mod grpc;

pub mod script;

pub mod leases;
pub mod record;

mod decide;

mod exchange;

mod call;

mod server;

pub use leases::Leases;
pub use script::Script;
pub use server::{Scripted, Security};
