//! Versions: what a compare-and-swap compares.

/// The version of a value in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version(pub u64);
