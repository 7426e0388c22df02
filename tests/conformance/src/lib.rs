//! The protocol between the conformance runner and the drivers: its messages, and how they are framed.

pub mod frame;

/// The messages of `apportion.conformance.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/apportion.conformance.v1.rs"));
}
