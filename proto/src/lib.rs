//! The gRPC API of Apportion, generated from `apportion/v1/*.proto`.
//!
//! The `.proto` files document each field: its meaning, unit, bounds and default. [`v1::Reason`] lists every refusal and error.
//! `docs/reference.md` is the same as one page. Only the sizes of buffers ([`codec`]) are written by hand, and nothing here knows how
//! a request is decided.

pub mod codec;

/// The package `apportion.v1`: its messages, and a client and a server trait for each service.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
pub mod v1 {
    tonic::include_proto!("apportion.v1");
}

/// The package `apportion.peer.v1`: what the nodes of a cluster say to each other. No part of the public API.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
pub mod peer_v1 {
    include!(concat!(env!("OUT_DIR"), "/peer/apportion.peer.v1.rs"));
}

/// An encoded `google.protobuf.FileDescriptorSet` of the package and its imports, with comments. Server reflection serves it.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("apportion_v1");

/// The same of the package `apportion.peer.v1`. No reflection serves it.
pub const PEER_FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("apportion_peer_v1");
