//! Wire ↔ engine and core: what comes in is checked here once, what goes out is written here once. Pure: no store, no lock, no
//! clock.
//!
//! One file a subject. Each error names the field at fault, what is wrong with it, and what is allowed.

pub mod field;
pub mod time;

pub mod names;
pub mod priority;
pub mod recent;

pub mod lease;
pub mod observation;
pub mod settle;

pub mod team;
pub mod workspace;

pub mod mask;
