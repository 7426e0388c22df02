//! How long before its start a window is booked: a runway, or as long as its guard.

use super::*;

/// A block of the window that starts at second 1010, whose guard is so long.
fn ahead(ahead: Span) -> WantedBlock {
    WantedBlock { ahead, ..want(1010, 5) }
}

#[test]
fn a_window_may_be_booked_as_long_before_its_start_as_its_guard() {
    let mut host = serving();
    host.want(at(1006), ahead(Span::from_ms(850)));
    assert_eq!(host.refused(), [BookRefusal::TooEarly]);
    host.want(at(1006), ahead(Span::from_ms(3_999)));
    assert_eq!(host.refused(), [BookRefusal::TooEarly]);
    host.want(at(1006), ahead(Span::from_secs(4)));
    let (token, _, new) = host.cas();
    assert_eq!(new.hi(&key(at(1010))), permits(5));
    host.done(at(1006), &token, 2);
    assert_eq!(host.confirmed(), [(0, 5)]);
}

/// A host that took a store over at second 1001 which had been restored then.
fn restored() -> Scripted {
    let (mut host, token, _) = taking("a", 9, Some((Claim::first(node("b"), 1, 1), Version(1))));
    owns(&mut host, &token, 2, Vec::new());
    host
}

#[test]
fn after_a_restore_a_window_that_its_guard_may_have_booked_ahead_counts_as_spent() {
    // Booked 9 s ahead at the time of the restore, by a clock that may have been two errors fast.
    for (guard, closed) in
        [(Span::from_ms(850), false), (Span::from_ms(8_700), false), (Span::from_secs(9), true)]
    {
        let mut host = restored();
        host.want(at(1010), ahead(guard));
        let token = host.read();
        host.show(at(1010), &token, None);
        let spent = host.refused() == [BookRefusal::Closed];
        assert_eq!(spent, closed, "a guard of {guard:?}");
    }
}
