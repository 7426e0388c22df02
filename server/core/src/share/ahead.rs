//! A limit's next window before it opens: what edge permits took of it, and what it holds back for whom at its opening.

use crate::permits::Permits;
use crate::share::holdback::Holdback;

/// The next window of one limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ahead {
    /// What each team was granted, and what is held back for it while nothing is let go.
    pub(crate) holdback: Holdback,
    /// The budget out of which the expected demand was divided; `None` before that, and after a change of policy.
    divided: Option<Permits>,
}

impl Ahead {
    /// One whose expected demand was divided out of `budget`.
    pub(crate) fn divided(holdback: Holdback, budget: Permits) -> Self {
        Self { holdback, divided: Some(budget) }
    }

    /// Whether the expected demand is that of `budget` and of the policy in force.
    pub(crate) fn is_divided(&self, budget: Permits) -> bool {
        self.divided == Some(budget)
    }

    /// Policy changed: the expected demand must be divided again. What was granted stays.
    pub(crate) fn invalidate(&mut self) {
        self.divided = None;
    }
}
