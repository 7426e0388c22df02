//! Judges and worlds for the tests of Apportion.

pub mod world;
