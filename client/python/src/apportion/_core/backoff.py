"""Exponential backoff with jitter, so that clients of a server that restarts do not all retry at once."""

from __future__ import annotations

import random

from .span import MS

FIRST_NS = 50 * MS
LONGEST_NS = 2_000 * MS


class Backoff:
    """The delays between the attempts of one request."""

    def __init__(self) -> None:
        self._bound_ns = FIRST_NS

    def next(self, at_least_ns: int = 0) -> int:
        """Returns the next delay: from half of a bound that doubles to the whole of it, and at least `at_least_ns`."""
        delay_ns = random.randint(self._bound_ns // 2, self._bound_ns)  # noqa: S311
        self._bound_ns = min(self._bound_ns * 2, LONGEST_NS)
        return max(delay_ns, at_least_ns)
