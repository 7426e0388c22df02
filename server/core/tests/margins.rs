//! When a window opens and closes: a guard holds the clock error and the life of a lease, or the policy is refused.

mod common;

use apportion_core::policy::{Margins, PolicyError};
use apportion_core::time::Span;
use common::*;

fn checked(start: u64, guard: u64, life: u64) -> Result<(), PolicyError> {
    let mut policy = policy(100, vec![team("a")]);
    let [start, guard, life] = [start, guard, life].map(Span::from_ms);
    policy.limits[0].margins = Margins { start, guard, life };
    policy.check()
}

fn too_short(guard: u64, needed: u64) -> Result<(), PolicyError> {
    let [guard, needed] = [guard, needed].map(Span::from_ms);
    Err(PolicyError::GuardTooShort { id: limit_id("main"), guard, needed })
}

#[test]
fn a_clock_error_larger_than_the_guard_is_refused() {
    assert_eq!(checked(300, 200, 0), too_short(200, 300));
    assert_eq!(checked(200, 200, 0), Ok(()));
}

#[test]
fn a_clock_error_and_a_life_that_together_exceed_the_guard_are_refused() {
    assert_eq!(checked(100, 300, 201), too_short(300, 301));
    assert_eq!(checked(100, 300, 200), Ok(()));
    let message = checked(100, 300, 201).map_err(|error| error.to_string());
    let says = "guard of main: must be at least start_margin + lease_life (301ms), got 300ms";
    assert_eq!(message, Err(says.into()));
}

#[test]
fn the_default_margins_hold() {
    let mut policy = policy(100, vec![team("a")]);
    policy.limits[0].margins = Margins::DEFAULT;
    assert_eq!(policy.check(), Ok(()));
}
