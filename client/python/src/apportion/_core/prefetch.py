"""What a prefetch holds, hands out, requests and returns, and who waits."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass

from apportion.errors import AcquireError, InvalidResponseError, RefusedError

from .demand import RecentDemand
from .lease import LeaseState
from .queue import QueuedCaller, WaitQueue
from .span import MS, SECOND, nanos

WAITING_MAX = 100_000
"""The most callers that wait at one prefetch."""
TICK_NS = 50 * MS
"""How often held permits are checked."""
_PAUSE_NS = SECOND
"""How long a failure without a delay holds."""
_PAUSE_MIN_NS = 50 * MS
"""How long a refusal holds at least."""
_UNREACHABLE_MARGIN_NS = 250 * MS
"""Callers that have so little time left are failed together with the one that found no server."""
_EXPIRY_MARGIN_NS = 100 * MS
"""Permits that expire this soon are returned while others can still use them."""


@dataclass(frozen=True)
class PrefetchOptions:
    """How far ahead of demand permits are held."""

    horizon_ns: int
    idle_timeout_ns: int
    max_permits: int


@dataclass(frozen=True)
class Covered:
    """The callers that a request was made for: those before position `end`. Its wait is that of the one that may wait least."""

    most_urgent: int
    end: int


@dataclass(frozen=True)
class StandingRefusal:
    """The last refusal of a request for waiting callers: until it ends, nothing is requested for callers."""

    error: AcquireError
    until: int
    is_final: bool


@dataclass(frozen=True)
class RefillRequest:
    """A request that is to be sent."""

    permits: int
    max_wait_ns: int
    covered: Covered


class PrefetchState:
    """The held leases, oldest first, and the waiting callers. While one waits, nothing that it could take is held."""

    def __init__(self, options: PrefetchOptions) -> None:
        self.options = options
        self.queue = WaitQueue()
        self._leases: deque[LeaseState] = deque()
        self._demand = RecentDemand()
        self._last_used = 0
        self._is_contended = False
        self._has_miss = False
        self._paused_until = 0
        self._refusal: StandingRefusal | None = None

    @property
    def held(self) -> int:
        """The number of permits held."""
        return sum(lease.left for lease in self._leases)

    def take(self, now: int) -> LeaseState | None:
        """Takes a permit into use, never ahead of a waiting caller."""
        if self.queue:
            return None
        leases = self._leases
        while leases:
            lease = leases[0]
            if lease.take(now):
                self._demand.record(now)
                self._last_used = now
                return lease
            leases.popleft().return_all()
        return None

    def miss(self) -> None:
        """Notes that a caller that would not wait left without a permit."""
        self._has_miss = True

    def enter(self, now: int, caller: QueuedCaller) -> int:
        """Queues a caller. Raises if too many wait, or if it would only get the refusal of others."""
        if len(self.queue) >= WAITING_MAX:
            raise RefusedError("CALLER_QUEUE_FULL", f"{WAITING_MAX} callers are waiting at this prefetch")
        refusal = self._standing_refusal(now)
        if refusal is not None and (refusal.is_final or caller.wait_until <= refusal.until):
            raise copy.copy(refusal.error)
        return self.queue.enter(caller)

    def add(self, now: int, lease: LeaseState) -> None:
        """Hands the permits of a new lease to waiting callers, and keeps the rest, or one for a miss if others wait for it."""
        self._is_contended = lease.is_contended
        self._paused_until, self._refusal = now, None
        if self._has_miss:
            self._last_used = now
        while self.queue and lease.take(now):
            self._demand.record(now)
            self._last_used = now
            if not self.queue.deliver(lease):
                lease.put_back()
        if lease.is_contended:
            lease.return_up_to(lease.left - min(lease.left, int(self._has_miss)))
        self._has_miss = False
        if lease.left == 0 or now >= lease.end:
            lease.return_all()
            return
        lease.low_mark = lease.left // 2
        self._leases.append(lease)

    def refuse(self, now: int, error: AcquireError, covered: Covered) -> None:
        """Fails the caller whose wait is over, and those that cannot wait for a retry: all covered if none can succeed."""
        is_refusal = isinstance(error, (RefusedError, InvalidResponseError))
        is_final = is_refusal and error.retry_after is None
        if error.retry_after is not None:
            retry_at = now + max(nanos(error.retry_after, "retry_after"), _PAUSE_MIN_NS)
        else:
            retry_at = now + (0 if is_refusal else _UNREACHABLE_MARGIN_NS)
        self.queue.fail(
            error,
            lambda position, caller: (
                position == covered.most_urgent or caller.wait_until <= retry_at or (is_final and position < covered.end)
            ),
        )
        self._has_miss = False
        self._paused_until = now + _PAUSE_NS if error.retry_after is None else retry_at
        # A request ahead of demand waits at the server for a short time only, so its refusal does not hold for callers.
        if is_refusal and covered.most_urgent >= 0:
            self._refusal = StandingRefusal(error, self._paused_until, is_final)

    def put_back(self, now: int, lease: LeaseState) -> None:
        """Passes a permit in use that was not used to a waiting caller, or back into its lease."""
        if now < lease.end and self.queue.deliver(lease):
            return
        lease.put_back()

    def return_excess(self, now: int) -> None:
        """Returns what is idle, about to expire, or more than will be taken soon."""
        if now >= self._last_used + self.options.idle_timeout_ns:
            self.return_all()
        while self._leases and (self._leases[0].left == 0 or self._leases[0].end <= now + _EXPIRY_MARGIN_NS):
            self._leases.popleft().return_all()
        held, keep = self.held, max(self._target(now), 1)
        excess = held - keep if held // 2 >= keep else 0
        for lease in reversed(self._leases):
            excess -= lease.return_up_to(excess)
            lease.low_mark = lease.left // 2

    def refill(self, now: int) -> RefillRequest | None:
        """Returns the request to send now, if one is due."""
        if now < self._resumes_at(now):
            return None
        due, held, target = self._due(), self.held, self._target(now)
        if due == 0 and held > target // 3:
            return None
        permits = min(due + max(target - held, 0), self.options.max_permits)
        if permits == 0:
            return None
        urgent = self.queue.most_urgent()
        if urgent is None:
            return RefillRequest(permits, self.options.horizon_ns, Covered(-1, self.queue.next))
        position, caller = urgent
        return RefillRequest(permits, max(caller.wait_until - now, 0), Covered(position, self.queue.next))

    def needs_refill(self, now: int) -> bool:
        """Whether a request in flight is still needed."""
        return self._due() > 0 or self._target(now) > self.held

    def next_check(self, now: int) -> int | None:
        """Returns when to look again, if nothing happens before."""
        if self._leases:
            return now + TICK_NS
        resumes_at = self._resumes_at(now)
        return resumes_at if self._due() and now < resumes_at else None

    def return_all(self) -> None:
        """Returns everything to the server."""
        while self._leases:
            self._leases.popleft().return_all()

    def spend_all(self) -> None:
        """Spends everything, because the provider throttles."""
        while self._leases:
            self._leases.popleft().spend()

    def _standing_refusal(self, now: int) -> StandingRefusal | None:
        return self._refusal if self._refusal is not None and now < self._refusal.until else None

    def _resumes_at(self, now: int) -> int:
        """When something may be requested."""
        if not self.queue:
            return self._paused_until
        refusal = self._standing_refusal(now)
        return now if refusal is None else refusal.until

    def _due(self) -> int:
        """The permits that callers wait for, or one for a miss."""
        return len(self.queue) or int(self._has_miss)

    def _target(self, now: int) -> int:
        """The permits to hold ahead of demand: none while requests of others wait, and none when idle."""
        if self._is_contended or now >= self._last_used + self.options.idle_timeout_ns:
            return 0
        return min(self._demand.forecast(now, self.options.horizon_ns), self.options.max_permits)
