//! What was learnt survives a restart.

use super::*;

#[test]
fn a_restart_forgets_nothing_that_was_learnt() {
    let mut service = Service::remembering(3);
    for lease in [1, 2] {
        service.hears(under(lease).limit(100).left(40).reset(10 * SECOND));
    }
    service.hears(under(3).reset(4 * SECOND));
    service.hears(under(4).throttled().retry_at(60 * SECOND));
    let learnt = service.facts.learnt();
    assert_eq!(learnt.others, permits(60), "what the current window showed, too");

    let restarted = Service::restarted(&learnt, 3);
    assert_eq!(restarted.facts.learnt(), learnt);
    assert_eq!(restarted.facts.budget(), permits(100));
    assert_eq!(restarted.phase_ms(), (3 * SECOND, 5 * SECOND));
    assert_eq!(restarted.facts.others_expected(), permits(60));
    assert_eq!(restarted.facts.grid(), service.facts.grid());
}

#[test]
fn what_was_learnt_about_others_decays_after_a_restart_as_before() {
    let learnt =
        Learnt { permits: None, phase: None, cooldown_until: None, others: permits(60), basis: None };
    let mut service = Service::restarted(&learnt, 3);
    service.time_is(10 * SECOND);
    assert_eq!(service.facts.others_expected(), permits(40));
}

#[test]
fn memory_switched_off_forgets_use_by_others() {
    let learnt =
        Learnt { permits: None, phase: None, cooldown_until: None, others: permits(60), basis: None };
    assert_eq!(Service::restarted(&learnt, 0).facts.others_expected(), Permits::ZERO);
}

#[test]
fn what_was_learnt_and_equals_policy_is_policy_again() {
    let learnt = Learnt {
        permits: Some(permits(166)),
        phase: None,
        cooldown_until: None,
        others: Permits::ZERO,
        basis: None,
    };
    assert_eq!(Service::restarted(&learnt, 0).facts.learnt().permits, None);
}

#[test]
fn what_was_learnt_is_known_of_that_limit_only() {
    let cooldown_until = Some(at(60 * SECOND));
    let learnt = |permits_of: u32, window_s: u64, created_at: Timestamp| {
        let (permits, window) = (permits(permits_of), Span::from_ms(window_s * SECOND));
        let basis = Some(Basis { permits, window, phase: Span::ZERO, created_at });
        let phase = Some(PhaseInterval { least: Span::from_ms(3_200), spread: Span::ZERO });
        Learnt { permits: Some(super::permits(500)), phase, cooldown_until, others: super::permits(7), basis }
    };
    let knows = |learnt: Learnt| {
        let facts = Facts::new(&policy(166, 10 * SECOND, 0), at(0), 3, Some(&learnt));
        let known = facts.learnt();
        (facts.budget().get(), facts.grid().phase().as_ns() / 1_000_000, known.cooldown_until)
    };
    assert_eq!(knows(learnt(166, 10, at(0))), (500, 3_200, cooldown_until));
    assert_eq!(
        knows(learnt(100, 10, at(0))),
        (166, 3_200, cooldown_until),
        "another budget, the same windows"
    );
    assert_eq!(knows(learnt(166, 60, at(0))), (166, 0, cooldown_until), "other windows");
    assert_eq!(knows(learnt(166, 10, at(1))), (166, 0, cooldown_until), "another workspace of the same name");
}
