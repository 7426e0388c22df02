"""Measures what the client costs: `.venv/bin/python bench.py`. Processor time, medians of several runs."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx

import apportion.httpx
from apportion.testing import FakeServer

RUNS = 7


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


def requests(count: int = 200) -> tuple[float, float]:
    """Returns the cost of a local HTTP request without and with the hook, in this process."""
    provider = "import sys\nfrom provider import providing\nwith providing() as p: print(p.url, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", provider]
    with subprocess.Popen(command, cwd="tests", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = process.stdout.readline().strip()

        def send(client: httpx.Client) -> int:
            for _ in range(count):
                client.get(url)
            return count

        with FakeServer(valid_for=60).connect() as quota:
            plain = httpx.Client()
            hooked = httpx.Client(transport=apportion.httpx.PermitTransport(quota))
            result = median_us(lambda: send(plain)), median_us(lambda: send(hooked))
        process.stdin.close()
    return result


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
    print(f"a permit from a prefetch: {blocking_us:.1f} µs with threads, {aio_us:.1f} µs with asyncio")
    print(f"calls for 1000 permits at 1000 a second: {calls():.1f}")
    plain_us, hooked_us = requests()
    print(f"a local request by httpx: {plain_us:.0f} µs without the hook, {hooked_us:.0f} µs with it")
