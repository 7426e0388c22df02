"""Keeps one prefetch filled: sends one request at a time, and checks what is held."""

from __future__ import annotations

from collections.abc import Callable

from apportion._core.acquire import Ask
from apportion._core.lease import LeaseState
from apportion._core.prefetch import TICK_NS, Covered, PrefetchOptions, PrefetchState
from apportion.errors import AcquireError

from .operation import Operation, Operations, Outcome


class Refill:
    """A prefetch and its request in flight. Used under the engine's lock."""

    def __init__(
        self,
        options: PrefetchOptions,
        priority: str,
        operations: Operations,
        start: Callable[[int, Ask, Callable[[int, Outcome], None]], Operation],
        late: Callable[[], AcquireError],
    ) -> None:
        self.state = PrefetchState(options)
        self.is_closed = False
        self._priority = priority
        self._operations = operations
        self._start = start
        self._late = late
        self._in_flight: Operation | None = None
        self._sent_at = 0
        self._unneeded_since: int | None = None

    def step(self, now: int) -> None:
        """Fails callers that have waited too long, returns what is not needed, and requests what is."""
        if self.is_closed:
            return
        state = self.state
        state.queue.fail_late(now, self._late)
        state.return_excess(now)
        if self._in_flight is not None:
            self._withdraw_if_unneeded(now)
            return
        request = state.refill(now)
        if request is None:
            return
        covered = request.covered
        ask = Ask(request.permits, 1, self._priority, request.max_wait_ns)
        self._sent_at, self._unneeded_since = now, None
        self._in_flight = self._start(now, ask, lambda then, outcome: self._complete(then, outcome, covered))

    def next_check(self, now: int) -> int | None:
        """Returns when to step again, if nothing happens before."""
        if self.is_closed:
            return None
        times = [self.state.next_check(now), self.state.queue.first_deadline()]
        if self._in_flight is not None and self._unneeded_since is not None:
            times.append(self._unneeded_since + TICK_NS)
        return min((at for at in times if at is not None), default=None)

    def close(self, now: int, error: AcquireError) -> None:
        """Returns everything, and fails all callers."""
        self.is_closed = True
        self.state.return_all()
        self.state.queue.fail(error, lambda _, __: True)
        if self._in_flight is not None:
            self._operations.abandon(now, self._in_flight)

    def _withdraw_if_unneeded(self, now: int) -> None:
        if self._in_flight is None or self.state.needs_refill(now):
            self._unneeded_since = None
        elif self._unneeded_since is None:
            self._unneeded_since = now
        elif now >= self._unneeded_since + TICK_NS:
            self._operations.abandon(now, self._in_flight)
            self._in_flight = None

    def _complete(self, now: int, outcome: Outcome, covered: Covered) -> None:
        self._in_flight = None
        if isinstance(outcome, LeaseState):
            self.state.add(now, outcome)
        else:
            self.state.refuse(now, outcome, covered)
