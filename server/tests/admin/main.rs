//! The calls of administrators over gRPC, against a server in this process.

mod backup;
mod first_token;
mod policy;
mod served;
