//! The books of one workspace on the node that serves it: book, confirm, return, each with at most one write in flight.
//!
//! Knows the claim that it books under, and no other workspace. Reading order: `write`, `state`, `inputs`, `writing`, `answers`,
//! `leaving`.

mod answers;
mod inputs;
mod leaving;
mod state;
mod write;
mod writing;

pub(super) use state::WorkspaceBooks;
