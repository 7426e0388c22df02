"""The state of one client in one process: its acquires, prefetches and reports.

Callers change it under one lock, and only for microseconds. Everything that takes longer is an event for the loop's thread.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from apportion import _telemetry
from apportion._core.acquire import AcquireContext, Ask, acquire
from apportion._core.attempts import LEAST_NS
from apportion._core.lease import LeaseState
from apportion._core.prefetch import PrefetchOptions
from apportion._core.report import LeaseReport, Urgency
from apportion._core.span import FOREVER, MS
from apportion.errors import AcquireError, ClosedError, PermitTimeoutError, UnreachableError
from apportion.settings import Settings

from . import clock
from .loop import Loop
from .operation import Operation, Operations, Outcome
from .refill import Refill
from .service import Service
from .settler import Settler
from .signals import SignalsSource, SignalsUser
from .waiter import Waiter

_REASON_MARGIN_NS = 100 * MS
"""How much longer than an acquire a caller waits, so that it gets the reason of a failure."""


class Engine:
    """Everything of a client that a fork leaves behind. Methods are called with the lock held, unless they say otherwise."""

    def __init__(self, settings: Settings, connect: Callable[[], Service], signals_user: SignalsUser | None) -> None:
        self.settings = settings
        self.connect = connect
        self.loop = Loop(self)
        self.is_closed = False
        self._is_dead = False
        self._give_up_at = 0
        """When a closed client gives up its reports."""
        self._open_leases: set[LeaseState] = set()
        self._refills: list[Refill] = []
        self._idle_waiters: list[Waiter[bool]] = []
        self._close_waiters: list[Waiter[bool]] = []
        self._service: Service | None = None
        self._service_lock = threading.Lock()
        self._settler = Settler(self.loop, self._called)
        self._operations = Operations(self.loop, self._called)
        self._signals = SignalsSource(self.loop, self._called, signals_user, settings.identity.workspace)
        process, requests = secrets.token_hex(8), itertools.count()
        self._context = AcquireContext(
            settings.identity,
            self,
            settings.share(),
            settings.waits_for_server,
            lambda: f"{process}-{next(requests):x}",
        )

    def report(self, report: LeaseReport, urgency: Urgency) -> None:
        """Queues a report."""
        if self._is_dead:
            return
        now = clock.now()
        if self.is_closed:
            self._give_up_at = max(self._give_up_at, now + self.settings.close_timeout_ns)
            urgency = Urgency.THROTTLE
        if self._settler.add(now, report, urgency):
            self.loop.wake()

    def forget(self, lease: LeaseState) -> None:
        """Notes that a lease has made its last report."""
        self._open_leases.discard(lease)
        _telemetry.current.returned(self.settings.identity, lease.returned, is_local=lease.is_local)

    def throttled(self) -> None:
        """Notes that the provider throttles: what is held ahead is useless."""
        for refill in self._refills:
            refill.state.spend_all()
        self.loop.wake()

    def add_refill(self, options: PrefetchOptions, priority: str) -> Refill:
        """Creates a prefetch."""
        refill = Refill(options, priority, self._operations, self._start, self._late)
        refill.is_closed = self.is_closed
        self._refills.append(refill)
        return refill

    def remove_refill(self, refill: Refill, now: int) -> None:
        """Closes a prefetch."""
        refill.close(now, ClosedError("the prefetch is closed"))
        if refill in self._refills:
            self._refills.remove(refill)

    def fail_at(self, now: int, max_wait_ns: int) -> int:
        """Returns when a caller is failed that has no answer."""
        return FOREVER if self.settings.waits_for_server else now + max(max_wait_ns, LEAST_NS) + _REASON_MARGIN_NS

    def acquire(self, now: int, ask: Ask, waiter: Waiter[LeaseState]) -> Operation:
        """Starts an acquire."""

        def on_outcome(_: int, outcome: Outcome) -> None:
            if isinstance(outcome, AcquireError):
                waiter.fail(outcome)
            elif not waiter.grant(outcome):
                outcome.finish()

        operation = self._start(now, ask, on_outcome)
        self.loop.wake()
        return operation

    def waiting(self, what: str, priority: str, permits: int) -> AbstractContextManager[None]:
        """Surrounds a wait, so that it can be seen. Without the lock."""
        return _telemetry.current.waiting(what, self.settings.identity, priority, permits)

    def abandon(self, now: int, operation: Operation, waiter: Waiter[LeaseState]) -> None:
        """Ends an acquire: what is granted, or was meanwhile, goes back."""
        granted = waiter.leave()
        if granted is not None:
            granted.finish()
        self._operations.abandon(now, operation)
        self.loop.wake()

    def flush(self, now: int, waiter: Waiter[bool], timeout_ns: int) -> None:
        """Sends all reports now. Answers true when nothing is left to send, or false after the timeout."""
        if self.loop.has_ended:
            waiter.grant(True)  # noqa: FBT003
            return
        self._settler.pending.flush(now)
        self._idle_waiters.append(waiter)
        self.loop.schedule.at(now + timeout_ns, lambda _: self._expire(waiter))
        self.loop.wake()

    def close(self, now: int, waiter: Waiter[bool] | None, timeout_ns: int) -> None:
        """Gives everything back. Answers true when that is done, or false after the timeout."""
        if self.loop.has_ended:
            if waiter is not None:
                waiter.grant(True)  # noqa: FBT003
            return
        if waiter is not None:
            self._close_waiters.append(waiter)
        if not self.is_closed:
            self.is_closed = True
            error = ClosedError("the client is closed")
            for refill in self._refills:
                refill.close(now, error)
            self._operations.close(now, error)
            self._settler.pending.flush(now)
            self._give_up_at = now + timeout_ns
        if waiter is not None:
            self.loop.schedule.at(now + timeout_ns, lambda _: self._expire(waiter))
        self.loop.wake()

    def has_open_leases(self) -> bool:
        """Whether leases are in use. Without the lock."""
        return bool(self._open_leases)

    def counts(self) -> dict[str, int]:
        """Returns counts of the state."""
        return {
            "held": sum(refill.state.held for refill in self._refills),
            "in_use": sum(lease.in_use for lease in self._open_leases),
            "waiting": self._operations.waiting + sum(len(refill.state.queue) for refill in self._refills),
            "pending_reports": len(self._settler.pending),
            "open_leases": len(self._open_leases),
        }

    def die(self) -> None:
        """Notes that this is the child of a fork: permits, calls and reports are the parent's. Without the lock."""
        self.loop.die()
        self._is_dead = self.is_closed = True
        for lease in self._open_leases:
            lease.die()

    def turn(self, now: int) -> None:
        """Decides what is to be done. For the loop."""
        for refill in self._refills:
            refill.step(now)
        self._settler.step(now)
        if self._is_idle():
            _answer(self._idle_waiters, is_done=True)
            if self.is_closed and self._open_leases:
                _answer(self._close_waiters, is_done=True)

    def next_at(self, now: int) -> int | None:
        """Returns when the next turn is due. For the loop."""
        times = [self._settler.next_at(), *(refill.next_check(now) for refill in self._refills)]
        if self.is_closed:
            # Leases in use stay valid, and are reported when they are done.
            times.append(max([self._give_up_at, *(lease.end for lease in self._open_leases)]))
        return min((at for at in times if at is not None), default=None)

    def is_done(self) -> bool:
        """Whether the loop may end. For the loop."""
        if not self.is_closed:
            return False
        now = clock.now()
        has_leases = any(now < lease.end for lease in self._open_leases)
        return not has_leases and (now >= self._give_up_at or self._is_idle())

    def ended(self) -> None:
        """Closes the connections. For the loop, without the lock."""
        with self.loop.lock:
            is_done = self._settler.is_idle
            self._settler.give_up()
        with self._service_lock:
            service, self._service = self._service, None
        if service is not None:
            service.close()
        with self.loop.lock:
            for waiters in (self._idle_waiters, self._close_waiters):
                _answer(waiters, is_done=is_done)

    def _start(self, now: int, ask: Ask, on_outcome: Callable[[int, Outcome], None]) -> Operation:
        def on_outcome_of_open(then: int, outcome: Outcome) -> None:
            if isinstance(outcome, LeaseState):
                self._open_leases.add(outcome)
                _telemetry.current.granted(self.settings.identity, outcome.permits, is_local=outcome.is_local)
                self._signals.seen(then, outcome.signals_version)
            on_outcome(then, outcome)

        operation = Operation(acquire(self._context, ask, now), ask.priority, on_outcome_of_open)
        self._operations.start(now, operation)
        return operation

    def _late(self) -> AcquireError:
        if self._context.is_outage:
            return UnreachableError("no server can be reached")
        return PermitTimeoutError("no permit became available in time")

    def _called(self) -> Service:
        with self._service_lock:
            if self._service is None:
                self._service = self.connect()
            return self._service

    def _is_idle(self) -> bool:
        has_acquires = self.is_closed and bool(self._operations.all)
        return self._settler.is_idle and not has_acquires

    def _expire(self, waiter: Waiter[bool]) -> None:
        for waiters in (self._idle_waiters, self._close_waiters):
            if waiter in waiters:
                waiters.remove(waiter)
                waiter.grant(False)  # noqa: FBT003


def _answer(waiters: list[Waiter[bool]], *, is_done: bool) -> None:
    for waiter in waiters:
        waiter.grant(is_done)
    waiters.clear()
