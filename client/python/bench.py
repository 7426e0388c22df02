"""Measures what the client costs: `.venv/bin/python bench.py`."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

import apportion.httpx
from apportion.testing import FakeServer

RUNS = 7
REQUESTS = 4_000


class CountingServer(FakeServer):
    """Counts its calls."""

    def __init__(self) -> None:
        super().__init__(valid_for=60)
        self.calls = 0

    def acquire(self, *arguments: Any) -> Any:
        """Counts."""
        self.calls += 1
        return super().acquire(*arguments)

    def settle(self, *arguments: Any) -> Any:
        """Counts."""
        self.calls += 1
        return super().settle(*arguments)


def median_us(run: Callable[[], int]) -> float:
    """Returns the processor time of one step of a run in microseconds, the client's thread included."""

    def once() -> float:
        start = time.process_time()
        steps = run()
        return (time.process_time() - start) / steps * 1e6

    return statistics.median(once() for _ in range(RUNS))


def permits(count: int = 20_000) -> tuple[float, float]:
    """Returns the cost of a permit, with threads and with asyncio."""

    def blocking() -> int:
        with FakeServer(valid_for=60).connect() as quota:
            for _ in range(count):
                with quota.permit():
                    pass
        return count

    def tasks() -> int:
        async def run() -> None:
            async with FakeServer(valid_for=60).connect_aio() as quota:
                for _ in range(count):
                    async with quota.permit():
                        pass

        asyncio.run(run())
        return count

    return median_us(blocking), median_us(tasks)


@contextmanager
def provider() -> Iterator[str]:
    """Runs a provider in a process of its own, and returns its address."""
    code = "import sys\nfrom provider import providing\nwith providing() as p: print(p.url, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd="tests", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


class Times:
    """What each step took in nanoseconds, by turns, since the machine is not equally busy all the time."""

    def __init__(self) -> None:
        self.permit: list[int] = []
        self.plain: list[int] = []
        self.hooked: list[int] = []

    def print(self, what: str) -> None:
        """Prints medians, which leave out what the machine did meanwhile, and the first steps."""
        permit, plain, hooked = (statistics.median(times) / 1_000 for times in (self.permit, self.plain, self.hooked))
        print(f"{what}: a permit that is held ready {permit:.1f} µs, {100 * permit / plain:.2f} % of a request;", end=" ")
        print(f"a local request {plain:.0f} µs, with the hook {hooked:.0f} µs")


def with_threads(url: str) -> Times:
    """Takes single permits between requests by httpx.Client, without and with the hook."""
    times, now = Times(), time.perf_counter_ns
    with (
        FakeServer(valid_for=60).connect() as quota,
        httpx.Client() as plain,
        httpx.Client(transport=apportion.httpx.PermitTransport(quota)) as hooked,
    ):
        for _ in range(REQUESTS):
            start = now()
            plain.get(url)
            times.plain.append(now() - start)
            start = now()
            with quota.permit():
                pass
            times.permit.append(now() - start)
            start = now()
            hooked.get(url)
            times.hooked.append(now() - start)
    return times


async def with_tasks(url: str) -> Times:
    """Takes single permits between requests by httpx.AsyncClient, without and with the hook."""
    times, now = Times(), time.perf_counter_ns
    async with (
        FakeServer(valid_for=60).connect_aio() as quota,
        httpx.AsyncClient() as plain,
        httpx.AsyncClient(transport=apportion.httpx.AsyncPermitTransport(quota)) as hooked,
    ):
        for _ in range(REQUESTS):
            start = now()
            await plain.get(url)
            times.plain.append(now() - start)
            start = now()
            async with quota.permit():
                pass
            times.permit.append(now() - start)
            start = now()
            await hooked.get(url)
            times.hooked.append(now() - start)
    return times


def calls(rate: int = 1_000, seconds: int = 3) -> float:
    """Returns the calls for 1000 permits at a rate, after the first second."""
    server = CountingServer()
    with server.connect() as quota:
        start, before = time.monotonic(), 0
        for number in range(rate * (seconds + 1)):
            time.sleep(max(start + number / rate - time.monotonic(), 0))
            if number == rate:
                before = server.calls
            with quota.permit():
                pass
        return (server.calls - before) / (rate * seconds / 1_000)


if __name__ == "__main__":
    blocking_us, aio_us = permits()
    print(f"processor time of a permit, with its part of all calls: {blocking_us:.1f} µs with threads, {aio_us:.1f} with asyncio")
    with provider() as address:
        with_threads(address).print("httpx.Client")
        asyncio.run(with_tasks(address)).print("httpx.AsyncClient")
    print(f"calls for 1000 permits at 1000 a second: {calls():.1f}")
