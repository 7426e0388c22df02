"""One acquire: calls and pauses, under one request id, until a lease or an error."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Union

from apportion.errors import PermitTimeoutError, UnreachableError
from apportion.v1 import quota_service_pb2 as wire

from .attempts import Attempts
from .failure import CallFailure, LeaseEnded, Unavailable, understood
from .grant import granted, request
from .lease import Identity, LeaseState, ReportSink
from .share import LocalShare
from .span import MS, SECOND


@dataclass(frozen=True)
class Ask:
    """What a lease is requested with."""

    permits: int
    min_permits: int | None
    priority: str
    max_wait_ns: int


@dataclass(frozen=True)
class Call:
    """Is to be sent when it is its turn, before the end, and answered within the timeout."""

    message: Callable[[int], tuple[wire.AcquireLeaseRequest, int]]
    """Returns the message and the timeout of a call that is sent at a time."""
    end: int


@dataclass(frozen=True)
class Pause:
    """Is to pass before the next step."""

    until: int


@dataclass(frozen=True)
class Answered:
    """A call was sent, and then answered or failed. It was not sent if there is no result."""

    sent_at: int
    result: wire.AcquireLeaseResponse | CallFailure | None


Step = Union[Call, Pause]
Acquire = Generator[Step, "tuple[int, Answered | None]", LeaseState]
"""Yields steps; is sent the time, and the answer after a call. Returns a lease, or raises an `AcquireError`."""
_Steps = Generator[Step, "tuple[int, Answered | None]", Union[LeaseState, int]]
_TIMER_NS = 20 * MS
"""How early or late a deadline may be noticed."""
_UNSENT = Unavailable("no server answered the requests before this one", 0)


@dataclass
class AcquireContext:
    """What all acquires of a client share."""

    identity: Identity
    sink: ReportSink
    share: LocalShare | None
    waits_for_server: bool
    request_id: Callable[[], str]
    is_outage: bool = False
    """Whether a request has ended without an answer, and none was answered since."""
    heard_at: int = 0
    """When a server last answered anything."""
    failed_at: int = 0
    """When a call last failed on its way."""

    def is_unreachable(self, start: int) -> bool:
        """Whether calls have failed since `start`, and none was answered after that."""
        return self.is_outage or self.failed_at > max(self.heard_at, start)

    def heard(self, now: int) -> None:
        """Notes that a server answered."""
        self.is_outage, self.heard_at = False, now


def acquire(context: AcquireContext, ask: Ask, start: int) -> Acquire:
    """Acquires one lease, from `start` on."""
    attempts, request_id, now = Attempts(start, ask.max_wait_ns), context.request_id(), start
    while True:
        is_probe = context.is_outage and context.share is not None
        now, answered = yield _call(context, ask, attempts, request_id, is_probe=is_probe)
        assert answered is not None
        if answered.result is None and not context.is_unreachable(start):
            raise PermitTimeoutError("no permit became available in time: other requests of this client wait at the server")
        if isinstance(answered.result, wire.AcquireLeaseResponse):
            context.heard(now)
            return granted(context.sink, context.identity, answered.result, answered.sent_at)
        meaning = _UNSENT if answered.result is None else understood(answered.result)
        is_rerouted = answered.result is not None and answered.result.is_rerouted
        if isinstance(meaning, Unavailable):
            _check_crowd(context, attempts, answered, start, now)
            outcome = yield from _unavailable(context, ask, attempts, now, meaning, is_rerouted=is_rerouted)
            if isinstance(outcome, LeaseState):
                return outcome
            now = outcome
            continue
        context.heard(now)
        if isinstance(meaning, LeaseEnded):
            request_id = context.request_id()
            delay_ns = attempts.delay(now, 0, is_rerouted=True)
            if attempts.is_over_after(now, delay_ns):
                raise PermitTimeoutError("every lease arrived after its end")
            now, _ = yield Pause(now + delay_ns)
        elif not is_probe:
            raise meaning
        # A server is back, and the request may wait there for longer than the probe did.


def _check_crowd(context: AcquireContext, attempts: Attempts, answered: Answered, start: int, now: int) -> None:
    """Raises if a request is over without an answer, although the server has just answered others that came with it.

    That is no outage: it may have waited for a stream of the connection.
    """
    if isinstance(answered.result, CallFailure) and answered.result.reason is not None:
        context.heard_at = now
    elif answered.result is not None:
        context.failed_at = now
    is_over = attempts.is_over_after(now, _TIMER_NS) and not context.waits_for_server
    if is_over and context.heard_at > max(start, now - SECOND):
        raise PermitTimeoutError("no permit became available in time: the server answered others meanwhile")


def _call(context: AcquireContext, ask: Ask, attempts: Attempts, request_id: str, *, is_probe: bool) -> Call:
    def message(now: int) -> tuple[wire.AcquireLeaseRequest, int]:
        if context.waits_for_server and now >= attempts.end:
            attempts.restart(now)
        attempt = attempts.next(now, is_probe=is_probe)
        permits = (ask.permits, ask.min_permits)
        return request(context.identity, permits, ask.priority, attempt.wait_ns, request_id), attempt.timeout_ns

    return Call(message, 1 << 62 if context.waits_for_server else attempts.end)


def _unavailable(
    context: AcquireContext, ask: Ask, attempts: Attempts, now: int, why: Unavailable, *, is_rerouted: bool
) -> _Steps:
    """Waits before the next attempt, and returns the time then. Falls back if the request is over, or there is an outage."""
    delay_ns = attempts.delay(now, why.delay_ns, is_rerouted=is_rerouted)
    is_over = attempts.is_over_after(now, delay_ns)
    if is_over and context.waits_for_server:
        attempts.restart(now + delay_ns)
    elif is_over and context.share is None:
        context.is_outage = True
        raise UnreachableError(f"no server can be reached: {why.message}")
    elif context.share is not None:
        if is_over and not context.is_outage:
            now, _ = yield Pause(attempts.end)
            context.is_outage = True
        lease = _from_share(context, context.share, ask, now) if context.is_outage else None
        if lease is not None:
            return lease
        if is_over:
            raise UnreachableError(f"no server can be reached: {why.message}; too little of the local share is left")
    now, _ = yield Pause(now + delay_ns)
    return now


def _from_share(context: AcquireContext, share: LocalShare, ask: Ask, now: int) -> LeaseState | None:
    least = ask.permits if ask.min_permits is None else ask.min_permits
    grant = share.take(now, ask.permits, least)
    if grant is None:
        return None
    # Like a contended lease: nothing of it is held ahead of demand.
    lease = LeaseState(context.sink, grant.permits, grant.end, ask.priority, is_contended=True)
    return lease.granted_locally(grant)
