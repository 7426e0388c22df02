//! What an allocator states about its workspace: who it is, where windows lie now, what it granted where they lay before.

use super::shape::Shape;
use super::spent::Spent;
use crate::time::Timestamp;

/// Who books, and in which series of windows. A limit starts a new series whenever its windows come to lie elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Series {
    /// The allocator: unlike any other one of the workspace, ever. Never 0.
    pub life: u64,
    /// The limit's series in that life.
    pub number: u32,
}

/// What an allocator states about its workspace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// When this was so.
    pub at: Timestamp,
    /// Which allocator states it.
    pub life: u64,
    /// Which of its statements this is: they count up.
    pub number: u32,
    /// Windows lie elsewhere than in the last one: nothing is granted before it is written.
    pub is_urgent: bool,
    /// The limits now.
    pub shape: Shape,
    /// Everything that this allocator granted under former shapes, as far as no statement that was written made it final.
    pub former: Vec<FormerGrant>,
}

/// What an allocator granted under a former shape, and when nothing more will be stated about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormerGrant {
    /// What, and when it may be counted.
    pub spent: Spent,
    /// The end of the window it was granted in. The mark of that window accounts for it from then on.
    pub final_at: Timestamp,
}
