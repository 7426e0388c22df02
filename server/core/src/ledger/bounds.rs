//! How much of one workspace the ledger holds, and how much one write carries.

/// Most marks of one workspace. A window beyond it is refused until clean-up makes room.
pub const MARKS_MAX: usize = 1_024;
/// Most limits of one workspace of which it is remembered what was learned.
pub const LEARNED_MAX: usize = 64;
/// Most blocks that may be wanted at once in one workspace.
pub const WANTED_MAX: usize = 256;
/// Most workspaces whose permits go back in the write that hands a shard over: each is one comparison and one value of the 128 that
/// a transaction of etcd has room for. More go back by themselves before.
pub const RETURNS_MAX: usize = 60;
