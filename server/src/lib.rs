//! The Apportion server as a library: what the binary `apportion` is made of. Modules stand in reading order, bottom first.

pub mod convert;
pub mod status;

pub mod preset;

pub mod config;

pub mod cli;
