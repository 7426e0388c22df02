//! The calls of administrators over gRPC, against a server in this process.

mod policy;
mod served;

mod backup;
#[path = "../faulty/mod.rs"]
mod faulty;
mod first_token;
mod lists;
mod store;
mod teams;
mod tokens;
mod waiting;
mod workspaces;
