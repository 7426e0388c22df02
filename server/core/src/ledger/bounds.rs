//! How much one shard may hold.

/// Most marks in one shard's record. A window beyond it is refused until clean-up makes room.
pub const MARKS_MAX: usize = 65_536;
/// Most workspaces whose grants one shard remembers. Beyond it those that were idle for the longest are forgotten.
pub const ACCOUNTS_MAX: usize = 8_192;
/// Most limits of which one shard remembers what was learned.
pub const LEARNED_MAX: usize = 16_384;
/// Most blocks that may be wanted at once in one shard.
pub const WANTED_MAX: usize = 16_384;
