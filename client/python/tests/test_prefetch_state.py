"""What a prefetch requests, hands out and returns, on a clock that the tests set."""

from __future__ import annotations

import pytest

from apportion._core.lease import LeaseState
from apportion._core.prefetch import Covered, PrefetchOptions, PrefetchState
from apportion._core.queue import QueuedCaller
from apportion._core.report import LeaseReport, Urgency
from apportion._core.span import MS
from apportion.errors import AcquireError, RefusedError, UnreachableError

MAX_WAIT_MS = 10_000


class Sink:
    def report(self, report: LeaseReport, urgency: Urgency) -> None:
        """Drops it."""

    def forget(self, lease: LeaseState) -> None:
        """Does nothing."""


class Caller:
    """Remembers what it is given."""

    def __init__(self) -> None:
        self.is_gone = False
        self.lease: LeaseState | None = None
        self.error: AcquireError | None = None

    def grant(self, result: LeaseState) -> bool:
        if not self.is_gone:
            self.lease = result
        return not self.is_gone

    def fail(self, error: AcquireError) -> None:
        self.error = error

    @property
    def is_waiting(self) -> bool:
        return self.lease is None and self.error is None


def lease(permits: int, end_ms: int, *, is_contended: bool = False) -> LeaseState:
    return LeaseState(Sink(), permits, end_ms * MS, "DEFAULT", is_contended=is_contended)


def state(max_permits: int = 50, horizon_ms: int = 100) -> PrefetchState:
    return PrefetchState(PrefetchOptions(horizon_ms * MS, 200 * MS, max_permits))


def take(prefetch: PrefetchState, ms: int, permits: int) -> None:
    for _ in range(permits):
        taken = prefetch.take(ms * MS)
        assert taken is not None
        taken.done()


def requested(prefetch: PrefetchState, ms: int) -> int | None:
    request = prefetch.refill(ms * MS)
    return None if request is None else request.permits


def wait(prefetch: PrefetchState, ms: int, max_wait_ms: int = MAX_WAIT_MS) -> Caller:
    caller = Caller()
    until = (ms + max_wait_ms) * MS
    prefetch.enter(ms * MS, QueuedCaller(caller, ms * MS, until, until + 20 * MS))
    return caller


def test_nothing_is_requested_if_nothing_was_taken() -> None:
    prefetch = state()
    assert requested(prefetch, 1_000) is None
    prefetch.add(1_000 * MS, lease(4, 9_000))
    take(prefetch, 1_000, 4)
    assert requested(prefetch, 1_010) is None, "4 in 500 ms are less than 1 in 100 ms"


def test_the_request_is_the_recent_rate_times_the_horizon() -> None:
    prefetch = state()
    prefetch.add(1_000 * MS, lease(40, 9_000))
    take(prefetch, 1_000, 40)
    assert requested(prefetch, 1_010) == 8, "40 in 500 ms are 8 in 100 ms"


def test_nothing_is_requested_ahead_by_a_prefetch_that_is_idle() -> None:
    prefetch = state()
    prefetch.add(1_000 * MS, lease(40, 9_000))
    take(prefetch, 1_000, 40)
    assert requested(prefetch, 1_199) == 8
    assert requested(prefetch, 1_200) is None, "it would go back at once"


def test_a_request_never_exceeds_the_option() -> None:
    prefetch = state(max_permits=5)
    prefetch.add(1_000 * MS, lease(100, 9_000))
    take(prefetch, 1_000, 100)
    assert requested(prefetch, 1_010) == 5


def test_a_refill_is_due_when_a_third_of_the_target_is_left() -> None:
    prefetch = state()
    prefetch.add(1_000 * MS, lease(48, 9_000))
    take(prefetch, 1_000, 45)
    assert requested(prefetch, 1_000) == 6, "3 of 9 are held"
    take(prefetch, 1_000, 1)
    assert requested(prefetch, 1_000) == 7


def test_a_contended_lease_is_requested_and_kept_for_waiting_callers_only() -> None:
    prefetch = state()
    prefetch.add(1_000 * MS, lease(40, 9_000))
    take(prefetch, 1_000, 40)
    contended = lease(8, 9_000, is_contended=True)
    prefetch.add(1_010 * MS, contended)
    assert (prefetch.held, contended.left) == (0, 0), "the rest is returned at once"
    assert requested(prefetch, 1_010) is None
    callers = [wait(prefetch, 1_020) for _ in range(3)]
    assert requested(prefetch, 1_020) == 3
    prefetch.add(1_030 * MS, lease(3, 9_000))
    assert not any(caller.is_waiting for caller in callers)
    assert requested(prefetch, 1_030) == 8, "uncontended again: 43 in 500 ms"


def test_idle_permits_are_returned_and_used_ones_are_kept() -> None:
    prefetch = state()
    held = lease(60, 9_000)
    prefetch.add(1_000 * MS, held)
    take(prefetch, 1_000, 50)
    prefetch.return_excess(1_100 * MS)
    assert held.left == 10
    take(prefetch, 1_190, 1)
    prefetch.return_excess(1_389 * MS)
    assert held.left == 9, "the last take was 199 ms ago"
    prefetch.return_excess(1_390 * MS)
    assert (held.left, prefetch.held) == (0, 0)
    assert prefetch.take(1_390 * MS) is None


def test_permits_beyond_the_target_are_returned() -> None:
    prefetch = state()
    held = lease(30, 9_000)
    prefetch.add(1_000 * MS, held)
    take(prefetch, 1_000, 10)
    prefetch.return_excess(1_010 * MS)
    assert held.left == 2, "10 in 500 ms are 2 in 100 ms"


def test_permits_are_returned_before_they_expire() -> None:
    prefetch = state()
    held = lease(2, 1_200)
    prefetch.add(1_000 * MS, held)
    take(prefetch, 1_000, 1)
    prefetch.return_excess(1_099 * MS)
    assert held.left == 1
    prefetch.return_excess(1_100 * MS)
    assert held.left == 0


def test_no_permit_is_taken_at_or_after_the_end_and_the_next_lease_is_used() -> None:
    prefetch = state()
    take_at = prefetch.take
    prefetch.miss()
    prefetch.add(1_000 * MS, lease(5, 2_000))
    prefetch.add(1_000 * MS, lease(5, 2_001))
    assert take_at(1_999 * MS) is not None
    assert prefetch.held == 9
    second = take_at(2_000 * MS)
    assert second is not None
    assert second.end == 2_001 * MS
    assert take_at(2_001 * MS) is None


def test_a_permit_put_back_goes_to_a_waiting_caller_unless_it_has_expired() -> None:
    prefetch = state()
    held = lease(2, 2_000)
    prefetch.add(1_000 * MS, held)
    assert prefetch.take(1_000 * MS) is held
    assert prefetch.take(1_000 * MS) is held
    first, second = wait(prefetch, 1_000), wait(prefetch, 1_000)
    prefetch.put_back(1_999 * MS, held)
    prefetch.put_back(2_000 * MS, held)
    assert first.lease is held
    assert second.is_waiting, "the permit has expired"


def test_a_request_waits_as_long_as_the_most_urgent_caller() -> None:
    prefetch = state()
    wait(prefetch, 1_000)
    wait(prefetch, 3_000)
    request = prefetch.refill(4_000 * MS)
    assert request is not None
    assert (request.permits, request.max_wait_ns) == (2, 7_000 * MS)


def test_a_refusal_fails_the_most_urgent_caller_and_those_that_cannot_wait_for_the_retry() -> None:
    prefetch = state()
    oldest = wait(prefetch, 1_000)
    request = prefetch.refill(1_000 * MS)
    assert request is not None
    hopeless, hopeful = wait(prefetch, 2_000), wait(prefetch, 2_001)
    prefetch.refuse(5_000 * MS, RefusedError("WINDOW_EXHAUSTED", "no", 7.0), request.covered)
    assert oldest.error is not None
    assert oldest.error.retry_after == 7.0
    assert hopeless.error is not None
    assert hopeful.is_waiting, "the retry is at 12 s, and it may wait until 12.001 s"
    assert requested(prefetch, 11_999) is None, "the server said when to ask again"
    assert prefetch.next_check(5_000 * MS) == 12_000 * MS
    assert requested(prefetch, 12_000) == 1


def test_while_a_refusal_holds_a_caller_that_cannot_wait_for_its_end_gets_it_at_once() -> None:
    prefetch = state()
    wait(prefetch, 1_000, 2_000)
    request = prefetch.refill(1_000 * MS)
    assert request is not None
    prefetch.refuse(1_010 * MS, RefusedError("WINDOW_EXHAUSTED", "no", 3.0), request.covered)
    with pytest.raises(RefusedError):
        wait(prefetch, 2_000, 2_000)
    assert wait(prefetch, 2_020, 2_000).is_waiting
    assert wait(prefetch, 4_020, 1).is_waiting, "it does not hold any longer"


def test_a_final_refusal_fails_every_caller_that_the_request_covered_and_for_a_second_all_others() -> None:
    prefetch = state()
    early = [wait(prefetch, 1_000), wait(prefetch, 1_000)]
    request = prefetch.refill(1_000 * MS)
    assert request is not None
    late = wait(prefetch, 1_001)
    prefetch.refuse(1_002 * MS, RefusedError("UNKNOWN_TEAM", "no"), request.covered)
    assert all(caller.error is not None for caller in early)
    assert late.is_waiting, "the request did not cover it"
    with pytest.raises(RefusedError):
        wait(prefetch, 2_001)
    assert wait(prefetch, 2_002).is_waiting


def test_while_no_server_is_reachable_every_caller_waits_for_its_own_deadline() -> None:
    prefetch = state()
    early, soon, late = wait(prefetch, 1_000), wait(prefetch, 1_250), wait(prefetch, 1_251)
    request = prefetch.refill(1_000 * MS)
    assert request is not None
    prefetch.refuse(11_000 * MS, UnreachableError("away"), request.covered)
    assert early.error is not None
    assert soon.error is not None, "it has 250 ms left"
    assert late.is_waiting


def test_after_a_refusal_nothing_is_requested_ahead_until_the_retry() -> None:
    prefetch = state()
    prefetch.miss()
    assert requested(prefetch, 1_000) == 1
    prefetch.refuse(1_000 * MS, RefusedError("WINDOW_EXHAUSTED", "no", 7.0), Covered(-1, 0))
    prefetch.miss()
    assert requested(prefetch, 7_999) is None
    assert requested(prefetch, 8_000) == 1


def test_a_caller_that_left_is_skipped() -> None:
    prefetch = state()
    gone, first, second = (wait(prefetch, 1_000) for _ in range(3))
    gone.is_gone = True
    prefetch.add(1_010 * MS, lease(1, 9_000))
    assert first.lease is not None
    assert second.is_waiting


def test_a_caller_is_failed_when_it_has_waited_too_long() -> None:
    prefetch = state()
    brief, patient = wait(prefetch, 1_000, 300), wait(prefetch, 1_000, 400)
    assert prefetch.queue.first_deadline() == 1_320 * MS
    prefetch.queue.fail_late(1_320 * MS, lambda: UnreachableError("away"))
    assert brief.error is not None
    assert patient.is_waiting
