//! Priorities: when a request is served.

use std::fmt;
use std::ops::{Index, IndexMut};

/// When a request is served. The order is that of urgency: `CRITICAL` is the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Priority {
    /// A user waits for the answer.
    Critical,
    /// The ordinary case.
    #[default]
    Default,
    /// Can wait until there is spare budget.
    Sheddable,
}

impl Priority {
    /// All priorities, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Default, Self::Sheddable];

    /// The place in [`Priority::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Critical => 0,
            Self::Default => 1,
            Self::Sheddable => 2,
        }
    }

    /// Its name in protocol, metrics and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::Default => "DEFAULT",
            Self::Sheddable => "SHEDDABLE",
        }
    }

    /// The priority of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }

    /// The more urgent priorities, most urgent first.
    pub fn higher(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().take(self.index())
    }

    /// The less urgent priorities, most urgent first.
    pub fn lower(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().skip(self.index() + 1)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a team maps the priority that a request names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PriorityRule {
    /// The priority of a request that names none.
    pub(crate) usual: Priority,
    /// The most urgent one that is allowed.
    pub(crate) highest: Priority,
}

impl PriorityRule {
    /// At which priority a request is served.
    pub(crate) fn served(self, asked: Option<Priority>) -> Priority {
        asked.unwrap_or(self.usual).max(self.highest)
    }
}

/// One value for each priority.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PerPriority<T>(pub [T; 3]);

impl<T> Index<Priority> for PerPriority<T> {
    type Output = T;
    fn index(&self, priority: Priority) -> &T {
        &self.0[priority.index()]
    }
}

impl<T> IndexMut<Priority> for PerPriority<T> {
    fn index_mut(&mut self, priority: Priority) -> &mut T {
        &mut self.0[priority.index()]
    }
}
