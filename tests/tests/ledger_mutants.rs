//! The simulation notices every broken rule of the ledger within a bounded number of seeds.

use apportion_core::mutant::{Mutant, with};
use apportion_tests::world::{Regime, Side, run};

/// A mutant must be caught within so many seeds.
const SEEDS_MAX: u64 = 2_000;

/// Runs seeds with a broken rule until the judge names the rule `expected`.
fn caught(mutant: Mutant, regime: Regime, expected: &str) {
    let broken = (0..SEEDS_MAX).find_map(|seed| {
        let broken = with(mutant, || run(seed, regime, Side::FirstCome, false)).broken?;
        broken.starts_with(expected).then_some((seed, broken))
    });
    let Some((seed, broken)) = broken else { panic!("{mutant:?} is not caught in {SEEDS_MAX} seeds") };
    println!("{mutant:?} is caught by seed {seed}: {broken}");
}

macro_rules! mutants {
    ($($name:ident: $mutant:ident, $regime:ident, $expected:literal;)*) => {
        $(#[test]
        fn $name() {
            caught(Mutant::$mutant, Regime::$regime, $expected);
        })*
    };
}

mutants! {
    granting_before_the_clock_error_has_passed_is_caught: NoStartGuard, Within, "C2";
    granting_up_to_the_end_of_a_window_is_caught: NoEndGuard, Within, "C2";
    an_expiry_counted_from_the_receipt_is_caught: DeadlineFromReceipt, Within, "C2";
    an_unknown_outcome_taken_for_success_is_caught: UnknownIsSuccess, Within, "C1";
    granting_after_an_unknown_hand_over_is_caught: GrantAfterUnknownReturn, Within, "C1";
    a_put_that_compares_nothing_is_caught: BlindPut, Within, "C1";
    a_new_owner_that_starts_at_zero_is_caught: NewOwnerStartsAtZero, Within, "C1";
    a_clean_up_that_keeps_nothing_is_caught: CleanUpForgetsPast, Wrong, "C1";
    a_retry_with_the_old_life_is_caught: RetryWithOldLife, Within, "C2";
    a_new_owner_that_forgets_learned_limits_is_caught: LearnedForgottenOnRestart, Within, "C1";
    a_new_owner_that_grants_a_cap_again_is_caught: TakeOverIgnoresCaps, Within, "cap";
    a_booking_that_does_not_compare_the_claim_is_caught: BookWithoutClaim, Within, "cap";
    a_booking_that_does_not_compare_the_policy_is_caught: BookWithoutPolicy, Within, "C1";
    permits_given_back_after_the_hand_over_are_caught: GiveBackAfterHandOver, Within, "C1";
    a_deposed_owner_that_grants_what_is_passed_on_to_it_is_caught: DeposedGrantsForwarded, Within, "C1";
}
