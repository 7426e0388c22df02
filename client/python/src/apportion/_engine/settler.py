"""Sends the reports of a client, one call at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apportion._core.failure import CallFailure, Unavailable, understood
from apportion._core.report import LeaseReport, Urgency
from apportion._core.reports import PendingReports, ReportBatch
from apportion._core.span import SECOND
from apportion.v1 import quota_service_pb2 as wire

from .loop import Loop
from .service import Service

TIMEOUT_NS = 2 * SECOND
"""How long a call may take."""

_log = logging.getLogger("apportion")


class Settler:
    """The waiting reports, and the call in flight. Only the engine's thread sends; reports are added under the engine's lock."""

    def __init__(self, loop: Loop, service: Callable[[], Service]) -> None:
        self.pending = PendingReports()
        self._loop = loop
        self._service = service
        self._is_sending = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is in flight."""
        return not self._is_sending and len(self.pending) == 0

    def add(self, now: int, report: LeaseReport, urgency: Urgency) -> bool:
        """Adds a report. Returns whether the time of the next call has changed."""
        before = self.pending.due_at()
        self.pending.add(now, report, urgency)
        return before != self.pending.due_at()

    def next_at(self) -> int | None:
        """Returns when the next call is due."""
        return None if self._is_sending else self.pending.due_at()

    def step(self, now: int) -> None:
        """Sends what is due."""
        batch = None if self._is_sending else self.pending.take(now)
        if batch is None:
            return
        self._is_sending = True

        def on_answer(result: wire.BatchSettleLeasesResponse | CallFailure) -> None:
            self._loop.post(lambda then: self._answered(then, batch, result))

        def send() -> None:
            message = wire.BatchSettleLeasesRequest(requests=batch.requests)
            try:
                self._service().settle(message, TIMEOUT_NS, on_answer)
            except Exception as error:
                on_answer(CallFailure("UNAVAILABLE", f"the call cannot be made: {error}"))

        self._loop.schedule.later(send)

    def give_up(self) -> None:
        """Drops what was not sent."""
        if len(self.pending) > 0:
            _log.warning(
                "the reports of %d leases are dropped: they could not be sent before the client was closed", len(self.pending)
            )
        self.pending = PendingReports()

    def _answered(self, now: int, batch: ReportBatch, result: wire.BatchSettleLeasesResponse | CallFailure) -> None:
        self._is_sending = False
        if not isinstance(result, CallFailure):
            self.pending.answered(now, batch, list(result.outcomes))
            return
        meaning = understood(result)
        if isinstance(meaning, Unavailable):
            self.pending.failed(now, batch, meaning.delay_ns, is_paused=not result.is_rerouted)
        elif result.code == "UNAUTHENTICATED":
            # The token may be replaced.
            self.pending.failed(now, batch, result.retry_after_ns or 0, is_paused=True)
        else:
            self.pending.rejected(now, batch, result, result.retry_after_ns or 0)
