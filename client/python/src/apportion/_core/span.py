"""Spans of time as users write them, and as the contract does."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Union

from google.protobuf.duration_pb2 import Duration

Seconds = Union[float, timedelta]
"""A span of time: seconds, or a `timedelta`."""

MS = 1_000_000
SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
FOREVER = 1 << 62
"""Longer than anything that is waited for, and small enough to be added to an instant."""


def nanos(span: Seconds, name: str) -> int:
    """Returns the span in nanoseconds, at most `FOREVER`. Raises `ValueError` if it is negative or not a number."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(f"{name}: must be 0 or more seconds, and is {span!r}")
    return FOREVER if seconds >= FOREVER / SECOND else round(seconds * SECOND)


def seconds(span_ns: int) -> float:
    """Returns the span in seconds."""
    return span_ns / SECOND


def to_wire(span_ns: int) -> Duration:
    """Returns the span as a message."""
    whole, rest = divmod(span_ns, SECOND)
    return Duration(seconds=whole, nanos=rest)


def from_wire(span: Duration) -> int:
    """Returns the span of a message, which may be negative."""
    return int(span.seconds) * SECOND + int(span.nanos)
