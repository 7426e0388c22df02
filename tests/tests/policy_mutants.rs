//! The simulation of changing policies notices every broken rule that keeps windows meanwhile, within a bounded number of seeds.

use apportion_core::facts::{Basis, Facts, Learned};
use apportion_core::ids::{LimitId, WorkspaceId};
use apportion_core::ledger::{BookRefusal, MarkKey, Marks, Series, Statement};
use apportion_core::mutant::{Mutant, with};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins};
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;
use apportion_tests::policies::{Mood, run};

/// A mutant must be caught within so many seeds.
const SEEDS_MAX: u64 = 2_000;

fn caught(mutant: Mutant) {
    let broken = |seed: &u64| with(mutant, || run(*seed, Mood::Stormy, false)).broken.is_some();
    let seed = (0..SEEDS_MAX).find(broken);
    assert!(seed.is_some(), "{mutant:?} is not caught in {SEEDS_MAX} seeds");
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
    former_windows_that_are_ignored_are_caught: FormerWindowsIgnored;
    leases_of_former_limits_that_are_ignored_are_caught: LeasesOfFormerLimitsIgnored;
    a_cap_that_starts_with_its_team_is_caught: CapStartsWithTheTeam;
    a_grant_after_a_failed_write_is_caught: GrantAfterIoError;
    a_cap_that_a_new_owner_grants_again_is_caught: TakeOverIgnoresCaps;
}

fn limit() -> LimitPolicy {
    let (permits, window) = (Permits::clamped(100), Span::from_secs(10));
    let id = LimitId::new("limit").expect("a name");
    LimitPolicy { id, permits, window, phase: Span::ZERO, margins: Margins::DEFAULT }
}

/// Whether the marks keep that a window is exhausted.
fn an_exhausted_window_is_spent() -> bool {
    let (workspace, limit) = (WorkspaceId::new("workspace").expect("a name"), limit());
    let grid = Grid::new(limit.window, limit.phase);
    let (at, life) = (Timestamp::ZERO + Span::from_secs(1_000), 1);
    let shape = vec![(limit.id.clone(), grid)];
    let mut marks = Marks::first(workspace.clone());
    let statement = Statement { at, life, number: 1, is_urgent: false, shape, former: Vec::new() };
    marks.state(&statement);
    let window = grid.at(at);
    let key = MarkKey { workspace, limit: limit.id, window_start: window.start.earliest };
    marks.spend(&key, &window, limit.permits);
    let series = Series { life, number: 1 };
    marks.raise(&key, &window, Permits::ONE, limit.permits, series) == Err(BookRefusal::Spent)
}

/// Whether a budget that was learned for windows of a minute is ignored for windows of 10 s.
fn a_budget_of_another_limit_is_not_known() -> bool {
    let limit = limit();
    let (window, created_at) = (Span::from_secs(60), Timestamp::ZERO);
    let basis = Some(Basis { permits: limit.permits, window, phase: limit.phase, created_at });
    let learned = Learned { permits: Some(Permits::clamped(500)), basis, ..Learned::default() };
    Facts::new(&limit, created_at, 0, Some(&learned)).budget() == limit.permits
}

#[test]
fn a_window_that_is_exhausted_only_in_memory_is_caught() {
    assert!(an_exhausted_window_is_spent());
    assert!(!with(Mutant::ExhaustedInMemoryOnly, an_exhausted_window_is_spent));
}

#[test]
fn a_budget_learned_for_another_limit_is_caught() {
    assert!(a_budget_of_another_limit_is_not_known());
    assert!(!with(Mutant::LearnedOfAnotherLimit, a_budget_of_another_limit_is_not_known));
}
