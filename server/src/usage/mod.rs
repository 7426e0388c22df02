//! Who used what: counts by team, caller and priority, kept in the store in bounded form, and read through any node.
//!
//! Each node adds what it counted to the intervals of the store, so nothing has to move with a workspace. Knows no rule of sharing.
//! Modules stand in reading order, bottom first.

mod interval;
mod record;

mod query;
mod writer;

pub(crate) use interval::Resolution;
pub(crate) use query::{Query, QueryError, UsageReport, query};
pub(crate) use writer::{UsageWriter, forget, run};
