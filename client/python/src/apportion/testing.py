"""A fake of the server for tests of services: in the process, without a network and without waiting.

    fake = FakeServer(budget=3)
    with fake.connect() as quota:          # or fake.connect_aio()
        use(quota)
    assert fake.used == 2

It grants what is requested until its budget is used up, and then refuses. `refuse` and `disconnect` make it fail otherwise. To
test against a real server, run `apportion serve --dev`.
"""

from __future__ import annotations

import threading

from . import aio
from ._client.connect import local
from ._core.failure import CallFailure
from ._core.span import SECOND, Seconds, nanos, to_wire
from ._engine.service import OnAnswer, PendingCall
from .client import Quota
from .errors import RefusedError
from .fallback import Deny, Fallback
from .response import Reader
from .v1 import lease_pb2
from .v1 import quota_service_pb2 as wire
from .v1.observation_pb2 import Observation
from .v1.priority_pb2 import Priority

__all__ = ["FakeServer"]

_DENY = Deny()


class _Answered:
    """A call that is answered already."""

    def cancel(self) -> None:
        """Does nothing."""


class FakeServer:
    """Grants permits from a budget, and counts what becomes of them. Safe for threads."""

    def __init__(self, budget: int | None = None, *, valid_for: Seconds = 10.0) -> None:
        """Creates a server with so many permits, or with as many as are requested. Leases end after `valid_for`."""
        self.budget = budget
        """The permits that are left. None: any number. What is returned is added."""
        self.used = 0
        """The permits that were used."""
        self.returned = 0
        """The permits that were returned."""
        self.observations: list[Observation] = []
        """What was reported of responses, as messages of the contract."""
        self.acquires: list[wire.AcquireLeaseRequest] = []
        """The requests that were received."""
        self._valid_for_ns = nanos(valid_for, "valid_for")
        self._lock = threading.Lock()
        self._refusal: RefusedError | None = None
        self._is_connected = True
        self._reports: dict[str, wire.SettleLeaseRequest] = {}

    def connect(self, *, fallback: Fallback = _DENY, reader: Reader | None = None) -> Quota:
        """Returns a client for threads."""
        settings, connect = local(self, fallback)
        return Quota(settings, connect, reader)

    def connect_aio(self, *, fallback: Fallback = _DENY, reader: Reader | None = None) -> aio.Quota:
        """Returns a client for asyncio."""
        settings, connect = local(self, fallback)
        return aio.Quota(settings, connect, reader)

    def refuse(self, reason: str = "WINDOW_EXHAUSTED", retry_after: float | None = 1.0) -> None:
        """Refuses requests from now on."""
        self._refusal = RefusedError(reason, "the fake refuses", retry_after)

    def disconnect(self) -> None:
        """Cannot be reached from now on."""
        self._is_connected = False

    def recover(self) -> None:
        """Undoes `refuse` and `disconnect`."""
        self._refusal, self._is_connected = None, True

    def acquire(
        self, message: wire.AcquireLeaseRequest, timeout_ns: int, on_answer: OnAnswer[wire.AcquireLeaseResponse]
    ) -> PendingCall:
        """Answers a request. For clients."""
        del timeout_ns
        with self._lock:
            answer = self._answer(message)
        on_answer(answer)
        return _Answered()

    def settle(
        self, message: wire.BatchSettleLeasesRequest, timeout_ns: int, on_answer: OnAnswer[wire.BatchSettleLeasesResponse]
    ) -> PendingCall:
        """Takes reports. For clients."""
        del timeout_ns
        if not self._is_connected:
            on_answer(_away())
            return _Answered()
        with self._lock:
            for request in message.requests:
                self._settle(request)
        outcome = wire.SettleOutcome(settled=lease_pb2.Settled())
        on_answer(wire.BatchSettleLeasesResponse(outcomes=[outcome] * len(message.requests)))
        return _Answered()

    def signals(
        self, message: wire.GetSignalsRequest, timeout_ns: int, on_answer: OnAnswer[wire.GetSignalsResponse]
    ) -> PendingCall:
        """Says that it has no signals. For clients."""
        del message, timeout_ns
        on_answer(CallFailure("UNIMPLEMENTED", "the fake has no signals"))
        return _Answered()

    def close(self) -> None:
        """Does nothing: it has no connections."""

    def _answer(self, message: wire.AcquireLeaseRequest) -> wire.AcquireLeaseResponse | CallFailure:
        if not self._is_connected:
            return _away()
        self.acquires.append(message)
        refusal = self._refusal
        if refusal is not None:
            retry_after_ns = None if refusal.retry_after is None else nanos(refusal.retry_after, "retry_after")
            return CallFailure("RESOURCE_EXHAUSTED", refusal.message, refusal.reason, retry_after_ns)
        permits = message.permits if self.budget is None else min(message.permits, self.budget)
        if permits < (message.min_permits or message.permits):
            return CallFailure("RESOURCE_EXHAUSTED", "the budget of the fake is used up", "WINDOW_EXHAUSTED", SECOND)
        if self.budget is not None:
            self.budget -= permits
        lease = lease_pb2.Lease(
            lease_id=f"fake-{len(self.acquires)}",
            permits=permits,
            priority=message.priority or Priority.PRIORITY_DEFAULT,
            valid_for=to_wire(self._valid_for_ns),
        )
        return wire.AcquireLeaseResponse(lease=lease)

    def _settle(self, request: wire.SettleLeaseRequest) -> None:
        former = self._reports.get(request.lease_id, wire.SettleLeaseRequest())
        self._reports[request.lease_id] = request
        returned = request.returned_permits - former.returned_permits
        self.used += request.used_permits - former.used_permits
        self.returned += returned
        self.observations += request.observations
        if self.budget is not None:
            self.budget += returned


def _away() -> CallFailure:
    return CallFailure("UNAVAILABLE", "the fake is disconnected")
