"""Observations on their way to the server, within what the contract accepts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from apportion.observation import Observation
from apportion.v1 import observation_pb2

from .span import FOREVER, HOUR, SECOND, to_wire

PERMITS_MAX = 1 << 28
SPAN_MAX_NS = 366 * 86_400 * SECOND
RESET_MAX_NS = 9_214_646_400 * SECOND
"""The latest reset that may be reported: the start of 2262."""
_LIMIT_ID = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62})?")


@dataclass(frozen=True)
class TimedObservation:
    """An observation as a message, whose age is set when it is sent, and when its response was received."""

    message: observation_pb2.Observation
    received_at: int

    @staticmethod
    def of(seen: Observation, now: int) -> TimedObservation | None:
        """Leaves out every value that the server would refuse.

        None if the observation is about a limit that cannot exist: without the limit it would be taken for one of another.
        """
        if not isinstance(seen.limit, str) or _LIMIT_ID.fullmatch(seen.limit) is None:
            return None
        message = observation_pb2.Observation(
            limit=seen.limit,
            status=_integer(seen.status, 100, 599) or 0,
            limit_permits=_integer(seen.limit_permits, 0, PERMITS_MAX),
            remaining_permits=_integer(seen.remaining_permits, 0, PERMITS_MAX),
            throttled=bool(seen.throttled),
        )
        reset_time_ns = _integer(seen.reset_time_ns, 0, RESET_MAX_NS - 1)
        if reset_time_ns is not None:
            message.reset_time.seconds, message.reset_time.nanos = divmod(reset_time_ns, SECOND)
        elif (reset_after_ns := _integer(seen.reset_after_ns, 0, SPAN_MAX_NS)) is not None:
            message.reset_after.CopyFrom(to_wire(reset_after_ns))
        if (precision_ns := _integer(seen.reset_precision_ns, 0, HOUR)) is not None:
            message.reset_precision.CopyFrom(to_wire(precision_ns))
        if (retry_after_ns := _integer(seen.retry_after_ns, 0, SPAN_MAX_NS)) is not None:
            message.retry_after.CopyFrom(to_wire(retry_after_ns))
        return TimedObservation(message, now - (_integer(seen.age_ns, 0, FOREVER) or 0))

    @property
    def is_throttled(self) -> bool:
        """Whether it tells of a throttle."""
        return self.message.throttled

    def at(self, now: int) -> observation_pb2.Observation | None:
        """Returns the message as it is sent at `now`, valid until the next call. None if it is too old to be accepted."""
        age_ns = max(now - self.received_at, 0)
        if age_ns > HOUR:
            return None
        self.message.age.seconds, self.message.age.nanos = divmod(age_ns, SECOND)
        return self.message


def _integer(value: Any, least: int, most: int) -> int | None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value if is_integer and least <= value <= most else None
