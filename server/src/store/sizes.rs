//! How long keys and values may be.

/// The longest key, in bytes.
pub const KEY_MAX: usize = 256;
/// The longest value, in bytes: the largest record of a shard has its place in it.
pub const VALUE_MAX: usize = 32 << 20;
