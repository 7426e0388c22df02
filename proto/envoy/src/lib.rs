//! The part of Envoy's rate limit protocol RLS that Apportion serves, with the packages, names and numbers of Envoy's own files. What is
//! not read or written is left out; nothing here is written by hand. `tests/upstream.rs` holds it against the contract of Envoy.

#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
mod generated {
    tonic::include_proto!("envoy");
}

/// RLS, `envoy.service.ratelimit.v3`, and the descriptors that it is asked with.
pub mod ratelimit {
    pub use crate::generated::envoy::config::core::v3::HeaderValue;
    pub use crate::generated::envoy::extensions::common::ratelimit::v3::{
        RateLimitDescriptor, rate_limit_descriptor,
    };
    pub use crate::generated::envoy::service::ratelimit::v3::*;
}

/// An encoded `google.protobuf.FileDescriptorSet` of the service and its imports. Server reflection serves it.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("envoy");
