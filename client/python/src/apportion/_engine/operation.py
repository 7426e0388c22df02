"""One acquire on its way: drives its steps, and hands over what comes of them."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Union

from apportion._core.acquire import Acquire, Answered, Call, Pause
from apportion._core.failure import CallFailure
from apportion._core.lease import LeaseState
from apportion._core.span import MS
from apportion.errors import AcquireError, InvalidResponseError
from apportion.v1 import quota_service_pb2 as wire

from . import clock
from .loop import Loop
from .schedule import Timer
from .service import PendingCall, Service

SLOTS = 24
"""The most acquires of each priority in flight. Proxies often allow 100 streams a connection: four times 24 stay below."""

_STEP_NS = 50 * MS
"""An acquire that nobody waits for stays in flight for some of these steps, so that an answer on its way is given back, not lost.
A step that ends late does not count, since what came while the process was busy or stood still is only read after it."""
_LATE_NS = 20 * MS
_STEPS = 20
"""The steps of one that has given up its slot."""
_STEPS_WITH_SLOT = 2
"""The steps of one that keeps its slot, because many others go on."""
_WITHOUT_SLOT_MAX = 24
"""The most acquires that nobody waits for and that have given up their slots."""

_log = logging.getLogger("apportion")
Outcome = Union[LeaseState, AcquireError]


class Operation:
    """One acquire. Whoever started it gets its outcome, or abandons it."""

    def __init__(self, acquire: Acquire, priority: str, on_outcome: Callable[[int, Outcome], None]) -> None:
        self.priority = priority
        self.on_outcome = on_outcome
        self.is_abandoned = False
        self.is_in_flight = False
        self.has_slot = False
        self.call: PendingCall | None = None
        self.timer: Timer | None = None
        """The end of its pause, or of its wait for a slot."""
        self._acquire = acquire
        self._is_started = False

    def resume(self, now: int, answered: Answered | None) -> Call | Pause:
        """Returns the next step."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self._is_started:
            return self._acquire.send((now, answered))
        self._is_started = True
        return next(self._acquire)


class Operations:
    """All acquires of a client. Used under the engine's lock."""

    def __init__(self, loop: Loop, service: Callable[[], Service]) -> None:
        self.all: set[Operation] = set()
        self._loop = loop
        self._service = service
        self._in_flight: dict[str, int] = defaultdict(int)
        self._queued: dict[str, deque[tuple[Operation, Call]]] = defaultdict(deque)
        self._without_slot = 0

    @property
    def waiting(self) -> int:
        """How many acquires somebody waits for."""
        return sum(not operation.is_abandoned for operation in self.all)

    def start(self, now: int, operation: Operation) -> None:
        """Starts an acquire."""
        self.all.add(operation)
        self._advance(now, operation, None)

    def abandon(self, now: int, operation: Operation) -> None:
        """Notes that nobody waits for an acquire. A lease that is still granted goes back."""
        if operation not in self.all or operation.is_abandoned:
            return
        operation.is_abandoned = True
        if not operation.is_in_flight:
            self._discard(operation)
        elif self._without_slot < _WITHOUT_SLOT_MAX:
            self._without_slot += 1
            self._cancel_after(now, _STEPS, operation)
            self._leave_slot(now, operation)
        else:
            self._cancel_after(now, _STEPS_WITH_SLOT, operation)

    def close(self, now: int, error: AcquireError) -> None:
        """Fails and abandons all acquires."""
        # Those in flight come last: a slot that they leave must not be taken by another one.
        for operation in sorted(self.all, key=lambda operation: operation.is_in_flight):
            if not operation.is_abandoned:
                operation.on_outcome(now, error)
                self.abandon(now, operation)

    def _discard(self, operation: Operation) -> None:
        self.all.discard(operation)
        if operation.timer is not None:
            operation.timer.cancel()

    def _cancel_after(self, now: int, steps: int, operation: Operation) -> None:
        late_at = now + _STEP_NS + _LATE_NS

        def step(then: int) -> None:
            left = steps if then >= late_at else steps - 1
            if operation not in self.all or not operation.is_in_flight:
                return
            if left > 0 or operation.call is None:
                self._cancel_after(then, left, operation)
            else:
                self._loop.schedule.later(operation.call.cancel)

        self._loop.schedule.at(now + _STEP_NS, step)

    def _advance(self, now: int, operation: Operation, answered: Answered | None) -> None:
        try:
            step = operation.resume(now, answered)
        except StopIteration as finished:
            self._finish(now, operation, finished.value)
        except AcquireError as error:
            self._finish(now, operation, error)
        except Exception as error:
            _log.exception("an acquire failed unexpectedly")
            self._finish(now, operation, InvalidResponseError(f"the response cannot be understood: {error!r}"))
        else:
            self._take_step(now, operation, step)

    def _take_step(self, now: int, operation: Operation, step: Call | Pause) -> None:
        schedule = self._loop.schedule
        if operation.is_abandoned:
            self._discard(operation)
        elif isinstance(step, Pause):
            operation.timer = schedule.at(step.until, lambda then: self._advance(then, operation, None))
        elif self._in_flight[operation.priority] < SLOTS:
            self._send(now, operation, step)
        else:
            self._queued[operation.priority].append((operation, step))
            operation.timer = schedule.at(step.end, lambda then: self._advance(then, operation, Answered(then, None)))

    def _send(self, now: int, operation: Operation, step: Call) -> None:
        message, timeout_ns = step.message(now)
        if timeout_ns <= 0:
            self._advance(now, operation, Answered(now, None))
            return
        if operation.timer is not None:
            operation.timer.cancel()
            operation.timer = None
        operation.is_in_flight = operation.has_slot = True
        self._in_flight[operation.priority] += 1
        sent_at = clock.now()

        def on_answer(result: wire.AcquireLeaseResponse | CallFailure) -> None:
            self._loop.post(lambda then: self._answered(then, operation, Answered(sent_at, result)))

        def send() -> None:
            try:
                operation.call = self._service().acquire(message, timeout_ns, on_answer)
            except Exception as error:
                on_answer(CallFailure("UNAVAILABLE", f"the call cannot be made: {error}"))

        self._loop.schedule.later(send)

    def _answered(self, now: int, operation: Operation, answered: Answered) -> None:
        operation.is_in_flight, operation.call = False, None
        had_slot = operation.has_slot
        if had_slot:
            self._in_flight[operation.priority] -= 1
            operation.has_slot = False
        else:
            self._without_slot -= 1
        self._advance(now, operation, answered)
        if had_slot:
            self._send_queued(now, operation.priority)

    def _leave_slot(self, now: int, operation: Operation) -> None:
        operation.has_slot = False
        self._in_flight[operation.priority] -= 1
        self._send_queued(now, operation.priority)

    def _send_queued(self, now: int, priority: str) -> None:
        queued = self._queued[priority]
        while queued and self._in_flight[priority] < SLOTS:
            waiting, step = queued.popleft()
            # One that has not waited for its slot in vain.
            if waiting in self.all and waiting.timer is not None and waiting.timer.action is not None:
                self._send(now, waiting, step)

    def _finish(self, now: int, operation: Operation, outcome: Outcome) -> None:
        self._discard(operation)
        if not operation.is_abandoned:
            operation.on_outcome(now, outcome)
        elif isinstance(outcome, LeaseState):
            outcome.finish()
