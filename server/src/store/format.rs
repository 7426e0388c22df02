//! The protobuf messages of what is stored. Field numbers never change and are never reused.

use apportion_proto::v1::Token;

/// The claim of a shard. 128-bit numbers are 16 bytes, big-endian; instants and spans are nanoseconds.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ClaimMessage {
    #[prost(uint64, tag = "1")]
    pub(super) epoch: u64,
    #[prost(string, tag = "2")]
    pub(super) owner: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) nonce: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) incarnation: Vec<u8>,
    #[prost(fixed64, tag = "5")]
    pub(super) known_from: u64,
    #[prost(fixed64, tag = "6")]
    pub(super) spent_before: u64,
}

/// The marks of a workspace, whose id is in the key.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MarksMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) nonce: Vec<u8>,
    #[prost(fixed64, tag = "2")]
    pub(super) known_from: u64,
    #[prost(fixed64, tag = "3")]
    pub(super) spent_before: u64,
    #[prost(message, repeated, tag = "4")]
    pub(super) limits: Vec<MarkedLimitMessage>,
    #[prost(message, repeated, tag = "5")]
    pub(super) shape: Vec<WindowsMessage>,
    #[prost(message, repeated, tag = "6")]
    pub(super) former: Vec<EntryMessage>,
    #[prost(message, repeated, tag = "7")]
    pub(super) past: Vec<EntryMessage>,
    #[prost(message, repeated, tag = "8")]
    pub(super) exhausted: Vec<EntryMessage>,
}

/// What is known of one limit of a workspace.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MarkedLimitMessage {
    #[prost(string, tag = "1")]
    pub(super) limit: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) marks: Vec<MarkMessage>,
    #[prost(message, optional, tag = "3")]
    pub(super) learned: Option<LearnedMessage>,
}

/// A shard's record as earlier programs wrote it: all of its workspaces in one value.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ShardMessage {
    #[prost(uint64, tag = "1")]
    pub(super) epoch: u64,
    #[prost(string, tag = "2")]
    pub(super) owner: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) nonce: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) incarnation: Vec<u8>,
    // 5 was the end of the last window that was closed for good.
    #[prost(fixed64, tag = "6")]
    pub(super) spent_before: u64,
    #[prost(message, repeated, tag = "7")]
    pub(super) limits: Vec<LimitMessage>,
    #[prost(fixed64, tag = "8")]
    pub(super) known_from: u64,
    #[prost(message, repeated, tag = "9")]
    pub(super) accounts: Vec<AccountMessage>,
}

/// The account of one workspace in such a record.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AccountMessage {
    #[prost(string, tag = "1")]
    pub(super) workspace: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) shape: Vec<WindowsMessage>,
    #[prost(message, repeated, tag = "3")]
    pub(super) former: Vec<EntryMessage>,
    #[prost(message, repeated, tag = "4")]
    pub(super) past: Vec<EntryMessage>,
    #[prost(message, repeated, tag = "5")]
    pub(super) exhausted: Vec<EntryMessage>,
}

/// Where the windows of a limit lie.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WindowsMessage {
    #[prost(string, tag = "1")]
    pub(super) limit: String,
    #[prost(uint64, tag = "2")]
    pub(super) length: u64,
    #[prost(message, optional, tag = "3")]
    pub(super) phase: Option<PhaseMessage>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct EntryMessage {
    #[prost(fixed64, tag = "1")]
    pub(super) from: u64,
    #[prost(fixed64, tag = "2")]
    pub(super) until: u64,
    #[prost(uint32, tag = "3")]
    pub(super) permits: u32,
    #[prost(uint64, tag = "4")]
    pub(super) life: u64,
}

/// What is known of one limit in such a record.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LimitMessage {
    #[prost(string, tag = "1")]
    pub(super) workspace: String,
    #[prost(string, tag = "2")]
    pub(super) limit: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) marks: Vec<MarkMessage>,
    #[prost(message, optional, tag = "4")]
    pub(super) learned: Option<LearnedMessage>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct MarkMessage {
    #[prost(fixed64, tag = "1")]
    pub(super) window_start: u64,
    #[prost(fixed64, tag = "2")]
    pub(super) window_end: u64,
    #[prost(uint32, tag = "3")]
    pub(super) hi: u32,
    #[prost(uint32, tag = "4")]
    pub(super) known: u32,
    #[prost(uint64, tag = "5")]
    pub(super) life: u64,
    #[prost(uint32, tag = "6")]
    pub(super) booked: u32,
    #[prost(bool, tag = "7")]
    pub(super) is_exhausted: bool,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct LearnedMessage {
    #[prost(uint32, optional, tag = "1")]
    pub(super) permits: Option<u32>,
    #[prost(message, optional, tag = "2")]
    pub(super) phase: Option<PhaseMessage>,
    #[prost(fixed64, optional, tag = "3")]
    pub(super) cooldown_until: Option<u64>,
    #[prost(uint32, tag = "4")]
    pub(super) external_use: u32,
    #[prost(message, optional, tag = "5")]
    pub(super) basis: Option<BasisMessage>,
}

/// The limit of policy that something was learned of.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct BasisMessage {
    #[prost(uint32, tag = "1")]
    pub(super) permits: u32,
    #[prost(uint64, tag = "2")]
    pub(super) window: u64,
    #[prost(uint64, tag = "3")]
    pub(super) phase: u64,
    #[prost(fixed64, tag = "4")]
    pub(super) created_at: u64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct PhaseMessage {
    #[prost(uint64, tag = "1")]
    pub(super) least: u64,
    #[prost(uint64, tag = "2")]
    pub(super) width: u64,
}

/// A token, and the SHA-256 of its secret.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TokenMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) token: Option<Token>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) secret_sha256: Vec<u8>,
}

/// The pin of a shard, whose number is in the key.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PinMessage {
    #[prost(string, tag = "1")]
    pub(super) node: String,
    #[prost(string, tag = "2")]
    pub(super) workspace: String,
}

/// Which audit entries there are: those from `oldest` on, below `next`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct AuditSpan {
    #[prost(uint64, tag = "1")]
    pub(super) oldest: u64,
    #[prost(uint64, tag = "2")]
    pub(super) next: u64,
}
