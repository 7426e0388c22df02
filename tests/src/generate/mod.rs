//! Random small scenarios: a seed always gives the same one.

mod fixed;
mod instant;
mod shape;

mod demand;
mod events;
mod policy;

mod scenario;

pub use fixed::{GUARD, ORIGIN, WINDOW, early, limit, permits, start_of};
pub use policy::leaves;
pub use scenario::scenario;
pub use shape::Shape;
