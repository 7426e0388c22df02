//! Four services share a provider's budget, on their own and then through Apportion: processes, real time, the provider's own count.

pub mod plan;

pub mod note;
pub mod retry;

pub mod gate;
pub mod service;

pub mod keeper;

pub mod half;
pub mod live;

pub mod figures;
pub mod picture;
pub mod table;
pub mod verdict;
