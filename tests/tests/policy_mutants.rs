//! Every rule that keeps windows while policy changes, broken, is missed by the world of changing policies within a bounded number of
//! seeds.

use apportion_core::mutant::{Mutant, with};
use apportion_tests::policies::{Mood, run};

/// Within so many seeds a mutant must be caught.
const SEEDS_MOST: u64 = 2_000;

fn caught(mutant: Mutant) {
    let broken = |seed: &u64| with(mutant, || run(*seed, Mood::Stormy, false)).broken.is_some();
    let seed = (0..SEEDS_MOST).find(broken);
    assert!(seed.is_some(), "{mutant:?} is not caught in {SEEDS_MOST} seeds");
    println!("{mutant:?} is caught by seed {seed:?}");
}

macro_rules! mutants {
    ($($name:ident: $mutant:ident;)*) => {
        $(#[test]
        fn $name() {
            caught(Mutant::$mutant);
        })*
    };
}

mutants! {
    windows_that_go_on_with_former_marks_of_their_name_are_caught: FormerWindowsIgnored;
    leases_of_former_limits_that_are_not_charged_are_caught: LeasesOfFormerLimitsIgnored;
    a_cap_that_starts_with_its_team_is_caught: CapStartsWithTheTeam;
    a_block_of_a_write_that_the_store_failed_at_is_caught: GrantAfterIoError;
    a_cap_that_a_new_life_grants_anew_is_caught: TakeOverIgnoresCaps;
}
