"""Spans and metrics, as OpenTelemetry's SDK sees them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from server import ScriptedServer, lease, refusal, serving

import apportion
import apportion.aio
from apportion import _telemetry
from apportion._otel import OpenTelemetry


class Seen:
    """What was exported."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()

    def spans(self) -> list[tuple[str, dict[str, Any]]]:
        return [(span.name, dict(span.attributes or {})) for span in self.exporter.get_finished_spans()]

    def total(self, name: str, **attributes: Any) -> float:
        """The sum of a counter, or the number of values of a histogram."""
        data: Any = self.reader.get_metrics_data()
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}.items()
        found = [metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics]
        points: list[Any] = [point for metric in found if metric.name == name for point in metric.data.data_points]
        return sum(
            float(point.count if hasattr(point, "count") else point.value)
            for point in points
            if wanted <= dict(point.attributes).items()
        )


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    seen = Seen()
    traces, meters = TracerProvider(), MeterProvider([seen.reader])
    traces.add_span_processor(SimpleSpanProcessor(seen.exporter))
    monkeypatch.setattr(_telemetry, "current", OpenTelemetry(traces, meters))
    yield seen
    traces.shutdown()
    meters.shutdown()


def test_a_lease_has_a_span_and_its_permits_are_counted(seen: Seen, server: ScriptedServer) -> None:
    with apportion.connect(server.address, team="sync") as quota, quota.acquire(5, priority="CRITICAL") as held:
        held.take()
    whose = {"apportion.workspace": "default", "apportion.team": "sync"}
    assert seen.spans() == [("apportion.acquire", {**whose, "apportion.priority": "CRITICAL", "apportion.permits": 5})]
    assert seen.total("apportion.permits.granted", apportion__team="sync") == 5
    assert seen.total("apportion.permits.returned", apportion__team="sync") == 4
    assert seen.total("apportion.wait.duration") == 1
    assert seen.total("apportion.calls", rpc__method="AcquireLease") == 1
    assert seen.total("apportion.calls", rpc__method="BatchSettleLeases") >= 1


def test_a_refusal_is_an_error_of_its_span(seen: Seen) -> None:
    with (
        serving(refusal("TEAM_PAUSED")) as server,
        apportion.connect(server.address) as quota,
        pytest.raises(apportion.RefusedError),
    ):
        quota.permit()
    [(name, attributes)] = seen.spans()
    assert (name, attributes["error.type"]) == ("apportion.permit", "TEAM_PAUSED")
    assert seen.total("apportion.wait.duration", error__type="TEAM_PAUSED") == 1
    assert seen.total("apportion.calls", error__type="RESOURCE_EXHAUSTED") >= 1


def test_a_permit_that_is_at_hand_makes_no_span(seen: Seen) -> None:
    with serving(lease(10)) as server, apportion.connect(server.address) as quota:
        held = quota.prefetch(horizon=0.5)
        while held.try_permit() is None:
            pass
    assert seen.spans() == []


def test_tasks_have_the_same_spans(seen: Seen, server: ScriptedServer) -> None:
    async def use() -> None:
        async with apportion.aio.connect(server.address) as quota:
            async with quota.acquire():
                pass
            async with quota.permit():
                pass

    asyncio.run(use())
    assert [name for name, _ in seen.spans()] == ["apportion.acquire", "apportion.permit"]


def test_without_opentelemetry_everything_works() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
from apportion.testing import FakeServer
with FakeServer().connect() as quota, quota.acquire():
    pass
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
