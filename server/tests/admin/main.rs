//! The calls of administrators over gRPC, against a server in this process.

mod backup;
#[path = "../faulty/mod.rs"]
mod faulty;
mod first_token;
mod policy;
mod served;
mod store;
