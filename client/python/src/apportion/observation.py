"""What a response of the provider said about a limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

__all__ = ["Observation"]


@dataclass(frozen=True)
class Observation:
    """What one response of the provider said about one limit. Report only what was read, never an estimate.

    A value that the server would not accept is left out, so that one odd response does no harm.
    """

    limit: str = ""
    """The id of the limit. Empty: the limit with the shortest window."""
    status: int = 0
    """The HTTP status. 0: unknown."""
    limit_permits: int | None = None
    """The permits per window, as the provider counts them."""
    remaining_permits: int | None = None
    """The permits that remain in the window, as the provider counts them."""
    reset_time_ns: int | None = None
    """The end of the window on the provider's clock, in nanoseconds since the Unix epoch."""
    reset_after_ns: int | None = None
    """The end of the window in nanoseconds after the response."""
    reset_precision_ns: int | None = None
    """The rounding error of the reset in either direction, in nanoseconds."""
    throttled: bool = False
    """Whether the provider refused the request because the window is exhausted."""
    retry_after_ns: int | None = None
    """How long after the response to send nothing, in nanoseconds."""
    age_ns: int = 0
    """How long ago the response was received, in nanoseconds."""

    @property
    def reset_time(self) -> datetime | None:
        """The end of the window on the provider's clock, rounded down to microseconds."""
        if self.reset_time_ns is None:
            return None
        return datetime.fromtimestamp(self.reset_time_ns // 1_000 / 1_000_000, tz=timezone.utc)
