"""What a failed call means for the next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from apportion.errors import RefusedError

from .span import SECOND

_TRANSPORT = frozenset({"UNAVAILABLE", "UNKNOWN", "INTERNAL", "CANCELLED", "DEADLINE_EXCEEDED"})


@dataclass(frozen=True)
class CallFailure:
    """The status of a call that failed, with its details."""

    code: str
    message: str
    reason: str | None = None
    """The reason of the server; None if the status has no details, so that it may not be the server's."""
    retry_after_ns: int | None = None
    is_rerouted: bool = False
    """Whether the same call goes elsewhere, or with another token, when it is repeated. Then it need not be delayed."""

    @property
    def is_of_transport(self) -> bool:
        """Whether it is not of the server: a broken connection, no answer in time, or a proxy in between."""
        return self.reason is None and self.code in _TRANSPORT


@dataclass(frozen=True)
class Unavailable:
    """The server is unreachable or cannot serve now: why, and how long to wait at least before the call is repeated."""

    message: str
    delay_ns: int


@dataclass(frozen=True)
class LeaseEnded:
    """The lease that an earlier attempt was granted has ended: repeat with a new request id."""


Meaning = Union[Unavailable, LeaseEnded, RefusedError]


def understood(failure: CallFailure) -> Meaning:
    """Returns what a failed call means."""
    delay_ns = failure.retry_after_ns
    if failure.is_rerouted or failure.is_of_transport or failure.code == "UNAVAILABLE":
        return Unavailable(failure.message, delay_ns or 0)
    if failure.reason == "LEASE_ENDED":
        return LeaseEnded()
    retry_after = None if delay_ns is None else delay_ns / SECOND
    return RefusedError(failure.reason or "", failure.message, retry_after)
