//! Faults of a cluster, with real processes: each scenario does something to it, and the provider's count, the next grant, what clients
//! saw and what nodes hold afterwards are judged. Modules stand in reading order, bottom first.

pub mod names;

pub mod network;
pub mod resources;

mod certificates;
mod probe;

pub mod trial;
pub mod verdict;

pub mod changes;
pub mod clients;
pub mod lab;

pub mod node;
pub mod scenarios;
pub mod table;

mod run;

pub use run::{Form, run};
