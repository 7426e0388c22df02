//! What `deploy/` holds, against the program and against the tools that read it.

mod counts;
mod files;
mod monitoring;
mod package;
mod prometheus;
mod runbook;
mod unit;
