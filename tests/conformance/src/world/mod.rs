//! The world of one case: servers, a provider, certificates and files, and what they counted.
//!
//! `authority` makes certificates; `real` runs the program; `payment` finds arrivals without a permit; `count` names counts.

mod authority;

mod payment;
mod real;

mod set;

mod count;

pub use count::most_in;
pub use set::World;
