//! Services share a provider's budget, first on their own and then through Apportion: processes, real time, the provider's own
//! count.

pub mod plan;

pub mod backoff;
pub mod outcome;

pub mod access;
pub mod service;

pub mod supervisor;

pub mod measurements;
pub mod round;
pub mod text;

pub mod launch;
pub mod live;
pub mod play;

pub mod picture;
pub mod table;
pub mod targets;
