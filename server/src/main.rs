//! The binary `apportion`.

fn main() {}
