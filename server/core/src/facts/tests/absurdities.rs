//! Responses that cannot be true are ignored as a whole.

use super::*;
use crate::facts::Absurd;

/// The response is ignored, and whatever else it said, too.
fn ignored(response: Response) -> Absurd {
    let mut service = Service::remembering(3);
    let before = service.facts.learned();
    let Finding { ignored, .. } = service.receives(response.clone());
    let rest = Finding { ignored, ..Finding::default() };
    assert_eq!(service.receives(response), rest);
    assert_eq!((service.facts.learned(), service.facts.budget()), (before, permits(166)));
    ignored.unwrap()
}

#[test]
fn a_limit_of_nothing_is_absurd() {
    assert_eq!(ignored(under(1).limit(0).left(0).throttled().reset(10 * SECOND)), Absurd::ZeroLimit);
}

#[test]
fn more_left_than_the_limit_is_absurd() {
    let absurd = ignored(under(1).limit(100).left(101).throttled().reset(10 * SECOND));
    assert_eq!(absurd, Absurd::RemainingAboveLimit { remaining: permits(101), limit: permits(100) });
}

#[test]
fn a_reset_a_day_away_is_absurd() {
    let absurd = ignored(under(1).limit(100).left(0).throttled().reset(86_400 * SECOND));
    assert!(matches!(absurd, Absurd::ResetFarAway { .. }));
}

#[test]
fn a_reset_at_the_beginning_or_the_end_of_time_is_absurd() {
    for reset_at in [Timestamp::ZERO, Timestamp::MAX] {
        let mut response = under(1).limit(100).reset(0);
        response.observation.reset = Some(Reset { at: reset_at, within: Span::from_secs(1) });
        assert!(matches!(ignored(response), Absurd::ResetFarAway { .. }));
    }
}

#[test]
fn a_retry_more_than_a_day_away_is_absurd() {
    let absurd = ignored(under(1).limit(100).throttled().reset(10 * SECOND).retry_at(86_401 * SECOND));
    assert!(matches!(absurd, Absurd::RetryFarAway { .. }));
}

#[test]
fn a_retry_a_day_away_is_not() {
    let mut service = Service::new();
    let finding = service.receives(under(1).throttled().reset(10 * SECOND).retry_at(86_400 * SECOND));
    assert_eq!(finding.stop_until, Some(at(86_400 * SECOND)));
}
