"""The calls that a client makes, whoever answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from apportion._core.failure import CallFailure
from apportion.v1 import quota_service_pb2 as wire

Response = TypeVar("Response")
OnAnswer = Callable[[Response | CallFailure], None]
"""Takes the answer of one call, on any thread. Must not block."""


class PendingCall(Protocol):
    """A call that was sent."""

    def cancel(self) -> object:
        """Ends the call: it is answered with a failure, unless it is answered already."""


class Service(Protocol):
    """Answers calls. None takes longer than its timeout, whatever it waits for."""

    def acquire(
        self, message: wire.AcquireLeaseRequest, timeout_ns: int, on_answer: OnAnswer[wire.AcquireLeaseResponse]
    ) -> PendingCall:
        """Requests a lease."""

    def settle(
        self,
        message: wire.BatchSettleLeasesRequest,
        timeout_ns: int,
        on_answer: OnAnswer[wire.BatchSettleLeasesResponse],
    ) -> PendingCall:
        """Sends reports."""

    def signals(
        self, message: wire.GetSignalsRequest, timeout_ns: int, on_answer: OnAnswer[wire.GetSignalsResponse]
    ) -> PendingCall:
        """Gets the signals of a workspace."""

    def close(self) -> None:
        """Closes all connections."""
