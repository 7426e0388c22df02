//! How long before its start a window is booked: a runway, or as long as its guard.

use super::*;

/// A block of the window that starts at second 1010, whose guard is so long.
fn ahead(ahead: Span) -> WantedBlock {
    WantedBlock { ahead, ..want(1010, 5) }
}

#[test]
fn a_window_may_be_booked_as_long_before_its_start_as_its_guard() {
    let mut shard = serving();
    shard.want(at(1006), ahead(Span::from_ms(850)));
    assert_eq!(refused(&mut shard), [BookRefusal::TooEarly]);
    shard.want(at(1006), ahead(Span::from_ms(3_999)));
    assert_eq!(refused(&mut shard), [BookRefusal::TooEarly]);
    shard.want(at(1006), ahead(Span::from_secs(4)));
    let (token, _, new) = cas(&mut shard);
    assert_eq!(new.hi(&key(at(1010))), permits(5));
    shard.cas_done(at(1006), token, CasOutcome::Ok(Version(2)));
    assert_eq!(confirmed(&mut shard), [(0, 5)]);
}

/// A shard that took a store over at second 1005 which had been restored then.
fn restored() -> Shard {
    let mut shard = Shard::new(node("a"), 7 << 64, Horizon::DEFAULT);
    shard.take_over(at(1005));
    let token = read(&mut shard);
    let record = ShardRecord::first(node("b"), 1, 1);
    shard.read_done(at(1005), token, ReadOutcome::Found { record, version: Version(1), incarnation: 9 });
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1005), token, CasOutcome::Ok(Version(2)));
    effects(&mut shard);
    shard
}

#[test]
fn after_a_restore_a_window_that_its_guard_may_have_booked_ahead_counts_as_spent() {
    // Booked 5 s ahead at the time of the restore, by a clock that may have been two errors fast.
    for (guard, closed) in
        [(Span::from_ms(850), false), (Span::from_ms(4_700), false), (Span::from_secs(5), true)]
    {
        let mut shard = restored();
        shard.want(at(1010), ahead(guard));
        let spent = refused(&mut shard) == [BookRefusal::Closed];
        assert_eq!(spent, closed, "a guard of {guard:?}");
    }
}
