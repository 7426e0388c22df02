//! The messages of what is stored, as protobuf. Field numbers never change and are never used again.

use apportion_proto::v1::Token;

/// A shard's record. 128-bit numbers are 16 bytes, big-endian; instants and spans are nanoseconds.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Shard {
    #[prost(uint64, tag = "1")]
    pub(super) epoch: u64,
    #[prost(string, tag = "2")]
    pub(super) owner: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) nonce: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) incarnation: Vec<u8>,
    #[prost(fixed64, tag = "5")]
    pub(super) closed_through: u64,
    #[prost(fixed64, tag = "6")]
    pub(super) spent_before: u64,
    #[prost(message, repeated, tag = "7")]
    pub(super) limits: Vec<Limit>,
}

/// What is known of one limit: a limit stands once, so that its names do not stand with every mark.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Limit {
    #[prost(string, tag = "1")]
    pub(super) workspace: String,
    #[prost(string, tag = "2")]
    pub(super) limit: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) marks: Vec<Mark>,
    #[prost(message, optional, tag = "4")]
    pub(super) learnt: Option<Learnt>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Mark {
    #[prost(fixed64, tag = "1")]
    pub(super) window_start: u64,
    #[prost(fixed64, tag = "2")]
    pub(super) window_end: u64,
    #[prost(uint32, tag = "3")]
    pub(super) hi: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Learnt {
    #[prost(uint32, optional, tag = "1")]
    pub(super) permits: Option<u32>,
    #[prost(message, optional, tag = "2")]
    pub(super) phase: Option<Phase>,
    #[prost(fixed64, optional, tag = "3")]
    pub(super) cooldown_until: Option<u64>,
    #[prost(uint32, tag = "4")]
    pub(super) others: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Phase {
    #[prost(uint64, tag = "1")]
    pub(super) least: u64,
    #[prost(uint64, tag = "2")]
    pub(super) spread: u64,
}

/// A token, and the SHA-256 of its secret.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct KeptToken {
    #[prost(message, optional, tag = "1")]
    pub(super) token: Option<Token>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) secret_sha256: Vec<u8>,
}

/// Which audit entries there are: those from `oldest` on, below `next`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct AuditSpan {
    #[prost(uint64, tag = "1")]
    pub(super) oldest: u64,
    #[prost(uint64, tag = "2")]
    pub(super) next: u64,
}
