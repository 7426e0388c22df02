//! Cases as data: what stands in a file, and the expressions that judge.

pub mod expression;
pub mod operation;
pub mod step;

mod file;

pub use file::{Case, RealServer, ServerTable, read_all, readings};
