//! Runs cases with drivers, several at once, and reports.
//!
//! `options` is the command line; `exceptions` what may fail; `lane` one process that plays cases in turn; `report` the table;
//! `suite` the whole run.

pub mod options;

mod exceptions;

mod lane;

mod report;

mod suite;

pub use suite::run;
