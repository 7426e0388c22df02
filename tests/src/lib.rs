//! Judges and worlds for the tests of Apportion.
