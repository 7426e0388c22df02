//! What was learned survives a restart.

use super::*;

#[test]
fn a_restart_forgets_nothing_that_was_learned() {
    let mut service = Service::remembering(3);
    for lease in [1, 2] {
        service.receives(under(lease).limit(100).left(40).reset(10 * SECOND));
    }
    service.receives(under(3).reset(4 * SECOND));
    service.receives(under(4).throttled().retry_at(60 * SECOND));
    let learned = service.facts.learned();
    assert_eq!(learned.external_use, permits(60), "what the current window showed, too");

    let restarted = Service::restarted(&learned, 3);
    assert_eq!(restarted.facts.learned(), learned);
    assert_eq!(restarted.facts.budget(), permits(100));
    assert_eq!(restarted.phase_ms(), (3 * SECOND, 5 * SECOND));
    assert_eq!(restarted.facts.learned().external_use, permits(60));
    assert_eq!(restarted.facts.grid(), service.facts.grid());
}

#[test]
fn what_was_learned_about_external_use_decays_after_a_restart_as_before() {
    let learned =
        Learned { permits: None, phase: None, cooldown_until: None, external_use: permits(60), basis: None };
    let mut service = Service::restarted(&learned, 3);
    service.time_is(10 * SECOND);
    assert_eq!(service.facts.learned().external_use, permits(40));
}

#[test]
fn memory_switched_off_forgets_external_use() {
    let learned =
        Learned { permits: None, phase: None, cooldown_until: None, external_use: permits(60), basis: None };
    assert_eq!(Service::restarted(&learned, 0).facts.learned().external_use, Permits::ZERO);
}

#[test]
fn what_was_learned_and_equals_policy_is_policy_again() {
    let learned = Learned {
        permits: Some(permits(166)),
        phase: None,
        cooldown_until: None,
        external_use: Permits::ZERO,
        basis: None,
    };
    assert_eq!(Service::restarted(&learned, 0).facts.learned().permits, None);
}

#[test]
fn what_was_learned_is_known_of_that_limit_only() {
    let cooldown_until = Some(at(60 * SECOND));
    let learned = |permits_of: u32, window_s: u64, created_at: Timestamp| {
        let (permits, window) = (permits(permits_of), Span::from_ms(window_s * SECOND));
        let basis = Some(Basis { permits, window, phase: Span::ZERO, created_at });
        let phase = Some(PhaseInterval { least: Span::from_ms(3_200), width: Span::ZERO });
        Learned {
            permits: Some(super::permits(500)),
            phase,
            cooldown_until,
            external_use: super::permits(7),
            basis,
        }
    };
    let knows = |learned: Learned| {
        let facts = Facts::new(&policy(166, 10 * SECOND, 0), at(0), 3, Some(&learned));
        let known = facts.learned();
        (facts.budget().get(), facts.grid().phase().as_ns() / 1_000_000, known.cooldown_until)
    };
    assert_eq!(knows(learned(166, 10, at(0))), (500, 3_200, cooldown_until));
    assert_eq!(
        knows(learned(100, 10, at(0))),
        (166, 3_200, cooldown_until),
        "another budget, the same windows"
    );
    assert_eq!(knows(learned(166, 60, at(0))), (166, 0, cooldown_until), "other windows");
    assert_eq!(
        knows(learned(166, 10, at(1))),
        (166, 0, cooldown_until),
        "another workspace of the same name"
    );
}
