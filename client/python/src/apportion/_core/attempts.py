"""When the attempts of one request are sent, how long each may take, and when the request ends."""

from __future__ import annotations

from dataclasses import dataclass

from .backoff import Backoff
from .span import HOUR, MS, SECOND

LEAST_NS = 250 * MS
"""A request has at least so long for the way to the server and back, even if it may not wait there."""
_ANSWER_MARGIN_NS = 100 * MS
"""How long before the end of an attempt the server must have answered, so that a late answer is not taken for an outage."""
_PROBE_NS = SECOND
"""How long an attempt may take while no server is known to be reachable and a local share could be used instead."""
_AT_ONCE_MAX = 3
"""How often in a row an attempt is repeated at once."""


@dataclass(frozen=True)
class Attempt:
    """One attempt: how long the call may take, and how long the server may let the request wait."""

    timeout_ns: int
    wait_ns: int


class Attempts:
    """The attempts of one request."""

    def __init__(self, now: int, max_wait_ns: int) -> None:
        self._start = now
        self._max_wait_ns = min(max_wait_ns, HOUR)
        self._backoff = Backoff()
        self._at_once = 0

    @property
    def end(self) -> int:
        """When the request ends without an answer."""
        return self._start + max(self._max_wait_ns, LEAST_NS)

    def next(self, now: int, *, is_probe: bool) -> Attempt:
        """Returns the attempt that is sent now. A probe only finds out whether a server is reachable again."""
        left_ns = max(self.end - now, 0)
        timeout_ns = min(left_ns, _PROBE_NS) if is_probe else left_ns
        allowed_ns = max(self._start + self._max_wait_ns - now, 0)
        return Attempt(timeout_ns, min(allowed_ns, max(timeout_ns - _ANSWER_MARGIN_NS, 0)))

    def delay(self, now: int, at_least_ns: int, *, is_rerouted: bool) -> int:
        """Returns how long to wait before the next attempt. The last one is sent early enough to be answered."""
        if is_rerouted and self._at_once < _AT_ONCE_MAX:
            self._at_once += 1
            return 0
        self._at_once = 0
        left_ns = max(self.end - now - LEAST_NS, 0)
        delay_ns = self._backoff.next(at_least_ns)
        return left_ns if delay_ns > left_ns > at_least_ns else delay_ns

    def is_over_after(self, now: int, delay_ns: int) -> bool:
        """Whether an attempt after the delay would come too late."""
        return now + delay_ns >= self.end

    def restart(self, now: int) -> None:
        """Starts the request's time anew, because it waits for a server however long that takes."""
        self._start = now
