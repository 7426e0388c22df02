//! A second allocator: the rules of allocation as plain scans over plain state, slow and clear. The production
//! allocator is checked against its event log. It knows one limit, one caller for each team, and requests that take
//! all of what they ask for or nothing.
//!
//! Instants are whole nanoseconds, tags have 32 fractional bits, everything else is exact. What the next window would grant at
//! its opening it finds out by opening that window on a copy of everything. In every file `v` is a node of the tree, `c` a
//! priority and `n` a number of permits.

mod request;
mod tags;
mod tree;

mod state;

mod decide;
mod edge;
mod expect;
mod happen;
mod held;
mod queue;
mod refuse;

mod run;

pub use run::replay;
