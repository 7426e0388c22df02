//! The calls of administrators over gRPC, against a server in this process.

mod policy;
mod rls;
mod served;
mod signals;

mod backup;
mod domains;
mod explain;
mod first_token;
mod lists;
mod teams;
mod tokens;
mod usage;
mod waiting;
mod workspaces;
