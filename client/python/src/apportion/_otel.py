"""Spans and metrics through the API of OpenTelemetry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import metrics, trace

from ._core.lease import Identity
from ._telemetry import Telemetry

_SCOPE = "apportion"
_WAITS_S = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class OpenTelemetry(Telemetry):
    """Tells the providers that the process has set."""

    def __init__(self, traces: trace.TracerProvider | None = None, meters: metrics.MeterProvider | None = None) -> None:
        """Uses the given providers, and otherwise those of the process, also if they are set later."""
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=traces)
        meter = metrics.get_meter(_SCOPE, meter_provider=meters)
        self._waits = meter.create_histogram(
            "apportion.wait.duration",
            unit="s",
            description="How long callers waited for a permit or a lease that was not at hand.",
            explicit_bucket_boundaries_advisory=_WAITS_S,
        )
        self._granted = meter.create_counter("apportion.permits.granted", "{permit}", "Permits that were granted.")
        self._returned = meter.create_counter("apportion.permits.returned", "{permit}", "Granted permits that went back unused.")
        self._calls = meter.create_counter("apportion.calls", "{call}", "Calls to Apportion.")

    def waiting(self, what: str, identity: Identity, priority: str, permits: int) -> AbstractContextManager[None]:
        """Makes a span, and measures."""
        attributes = _whose(identity) | ({"apportion.priority": priority} if priority else {})
        return self._waiting(what, attributes, permits)

    @contextmanager
    def _waiting(self, what: str, attributes: dict[str, str], permits: int) -> Iterator[None]:
        span = self._tracer.start_span(
            f"apportion.{what}", kind=trace.SpanKind.CLIENT, attributes={**attributes, "apportion.permits": permits}
        )
        start = time.perf_counter()
        try:
            yield
        except BaseException as error:
            kind = getattr(error, "reason", "") or type(error).__qualname__
            attributes["error.type"] = kind
            span.set_attribute("error.type", kind)
            span.set_status(trace.StatusCode.ERROR, str(error))
            raise
        finally:
            self._waits.record(time.perf_counter() - start, attributes)
            span.end()

    def granted(self, identity: Identity, permits: int, *, is_local: bool) -> None:
        """Counts."""
        self._granted.add(permits, {**_whose(identity), "apportion.local": is_local})

    def returned(self, identity: Identity, permits: int, *, is_local: bool) -> None:
        """Counts."""
        if permits > 0:
            self._returned.add(permits, {**_whose(identity), "apportion.local": is_local})

    def called(self, method: str, error: str) -> None:
        """Counts."""
        self._calls.add(1, {"rpc.method": method} | ({"error.type": error} if error else {}))


def _whose(identity: Identity) -> dict[str, str]:
    return {"apportion.workspace": identity.workspace or "default", "apportion.team": identity.team or "default"}
