"""Spans and metrics. They go to OpenTelemetry where its API is installed, and nowhere otherwise."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ._core.lease import Identity

__all__ = ["Telemetry", "current"]


class Telemetry:
    """What is told of a client. This one tells nobody.

    A permit that is held ready takes none of these calls: it costs a few microseconds, and a span costs more.
    """

    def waiting(self, what: str, identity: Identity, priority: str, permits: int) -> AbstractContextManager[None]:
        """Surrounds the wait for a permit or a lease."""
        del what, identity, priority, permits
        return nullcontext()

    def granted(self, identity: Identity, permits: int, *, is_local: bool) -> None:
        """Counts the permits of a lease."""

    def returned(self, identity: Identity, permits: int, *, is_local: bool) -> None:
        """Counts the permits of a lease that came back, at its end."""

    def called(self, method: str, error: str) -> None:
        """Counts a call. `error` is the code of a failure, and empty if there is none."""


def _found() -> Telemetry:
    try:
        from ._otel import OpenTelemetry

        return OpenTelemetry()
    except (ImportError, TypeError):  # It is not installed, or so old that it lacks an argument.
        return Telemetry()


current = _found()
