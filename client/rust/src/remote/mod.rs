//! The quota service on a network: which node is called, over which connection, and with which credentials.
//!
//! `address` is where a node is; `owner` says which hints are followed; `routes` chooses the node, as a function of what happened;
//! `credentials` are what every call carries; `endpoint` says how a connection is made; `greeting` gives up one on which the node is silent; `node` is the connections to one node;
//! `client` makes the calls.

mod address;
mod credentials;

mod owner;
mod routes;

mod endpoint;
mod greeting;

mod node;

mod client;

pub(crate) use client::RemoteService;
