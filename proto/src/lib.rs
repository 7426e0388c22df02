//! The contract of Apportion: what goes over the wire, as generated from `apportion/v1/*.proto`.
//!
//! Nothing here is written by hand but the sizes of buffers ([`codec`]), and nothing knows how a request is decided. What a field
//! means, its unit, its bounds and what its absence means stand in the `.proto` files; why a request is refused stands at
//! [`v1::Reason`].

pub mod codec;

/// The package `apportion.v1`: messages, and a client and a server trait for each service.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
pub mod v1 {
    tonic::include_proto!("apportion.v1");
}

/// The descriptors of the package and of what it imports, as an encoded `google.protobuf.FileDescriptorSet` with comments: what
/// server reflection serves.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("apportion_v1");
