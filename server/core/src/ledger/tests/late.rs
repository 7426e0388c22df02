//! Answers that come too late, waits before a question is retried, and what comes to a shard that is not served.

use super::*;

/// A shard whose write of a block of 30 ended in doubt, with the token of that write and of the read that followed.
fn in_doubt() -> (Shard, Token, Token) {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (write, ..) = cas(&mut shard);
    shard.cas_done(at(1002), write, CasOutcome::Unknown);
    let read = read(&mut shard);
    (shard, write, read)
}

#[test]
fn an_answer_to_a_write_that_is_in_doubt_is_ignored_while_the_record_is_read() {
    let (mut shard, write, _) = in_doubt();
    shard.cas_done(at(1003), write, CasOutcome::Ok(Version(2)));
    assert!(effects(&mut shard).is_empty());
}

#[test]
fn an_answer_to_a_write_that_was_sent_again_is_ignored() {
    let (mut shard, write, read) = in_doubt();
    let record = shard.record().expect("a record").clone();
    shard.read_done(at(1003), read, ReadOutcome::Found { record, version: Version(1), incarnation: 1 });
    let (again, ..) = cas(&mut shard);
    shard.cas_done(at(1003), write, CasOutcome::Ok(Version(2)));
    assert!(effects(&mut shard).is_empty());
    shard.cas_done(at(1003), again, CasOutcome::Ok(Version(2)));
    assert_eq!(confirmed(&mut shard), [(0, 30)]);
}

#[test]
fn a_failed_read_is_retried_after_a_wait_that_doubles_up_to_a_second() {
    let (mut shard, _, mut token) = in_doubt();
    let mut now = at(1003);
    for wait in [50, 100, 200, 400, 800, 1_000, 1_000].map(Span::from_ms) {
        shard.read_done(now, token, ReadOutcome::Failed);
        for early in [now, now + wait - Span::from_ns(1)] {
            shard.advance(early);
            assert!(effects(&mut shard).is_empty(), "{wait:?} are not over");
        }
        now = now + wait;
        shard.advance(now);
        token = read(&mut shard);
    }
}

#[test]
fn a_clock_that_stepped_back_does_not_prolong_the_wait() {
    let (mut shard, _, token) = in_doubt();
    shard.read_done(at(1003), token, ReadOutcome::Failed);
    shard.advance(at(900));
    read(&mut shard);
}

#[test]
fn what_is_learned_of_a_shard_that_is_not_served_is_not_written_later() {
    let mut shard = Shard::new(node("a"), 7 << 64, Horizon::DEFAULT);
    let WantedBlock { workspace, limit, .. } = want(0, 0);
    let learned = Learned { permits: Some(permits(20)), ..Learned::default() };
    shard.learn(at(1000), workspace, limit, learned);
    shard.exhausted(at(1000), key(at(1000)), &window(1000), permits(100));
    shard.take_over(at(1001));
    let token = read(&mut shard);
    shard.read_done(at(1001), token, ReadOutcome::Absent { incarnation: 1 });
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1001), token, CasOutcome::Ok(Version(1)));
    assert_eq!(effects(&mut shard), [ShardEffect::Owned { epoch: 1 }]);
}

#[test]
fn what_was_booked_of_an_open_window_can_be_handed_over_however_much_time_passed() {
    let mut shard = serving();
    shard.want(at(1002), want(1002, 30));
    let (token, ..) = cas(&mut shard);
    shard.cas_done(at(1002), token, CasOutcome::Ok(Version(2)));
    effects(&mut shard);
    shard.advance(at(1009));
    shard.hand_over(at(1009), node("b"), &[(key(at(1000)), permits(12))]);
    assert_eq!(cas(&mut shard).2.hi(&key(at(1000))), permits(12));
}
