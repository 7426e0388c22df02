//! Judges: what must hold of the event log of any scenario with one limit and one caller for each team, whatever
//! the allocator's reasons. A judge says what is wrong and where.

mod record;

mod charges;

mod floors;
mod order;
mod windows;

pub use floors::floors_kept;
pub use order::{deadlines_kept, first_come_first_served, in_order_of_time, no_request_answered_twice};
pub use record::{granted, is_part_of};
pub use windows::{caps_kept, grants_only_while_open, never_above_the_budget};

use apportion_core::scenario::{Record, Scenario};

/// Checks a log with every judge that needs no more than the log.
///
/// # Errors
/// What the first judge that fails says.
pub fn check_all(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    in_order_of_time(log)?;
    grants_only_while_open(scenario, log)?;
    never_above_the_budget(scenario, log)?;
    caps_kept(scenario, log)?;
    first_come_first_served(scenario, log)?;
    no_request_answered_twice(scenario, log)?;
    deadlines_kept(scenario, log)
}
