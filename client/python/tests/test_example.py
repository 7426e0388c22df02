"""The example service, as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from provider import Provider
from server import ScriptedServer, refusal, serving

SERVICE = Path(__file__).parents[1] / "examples" / "service.py"
PROGRAM = Path(__file__).parents[3] / "target" / "debug" / "apportion"


def service(apportion: str, provider: Provider, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SERVICE), "--apportion", apportion, "--provider", provider.url, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_each_request_takes_a_permit_and_nothing_is_kept(server: ScriptedServer, provider: Provider) -> None:
    with service(server.address, provider, "--workers", "2", "--requests", "8") as process:
        output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "8 answers with status 200\n")
    assert (len(provider.arrivals), server.used(), server.granted - server.returned()) == (8, 8, 8)


def test_a_refusal_is_told_with_its_reason(provider: Provider) -> None:
    with serving(refusal("TEAM_PAUSED")) as server, service(server.address, provider, "--requests", "3") as process:
        output, _ = process.communicate(timeout=20)
    assert (process.returncode, output, provider.arrivals) == (0, "3 not sent: TEAM_PAUSED\n", [])


def test_it_stops_and_gives_everything_back_when_it_is_asked_to(server: ScriptedServer, provider: Provider) -> None:
    with service(server.address, provider, "--requests", "100000", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["status"] == 200
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert server.granted - server.returned() == len(provider.arrivals)


@pytest.fixture
def real_server() -> Iterator[str]:
    if not PROGRAM.exists():
        pytest.skip("apportion is not built: run cargo build")
    with subprocess.Popen([PROGRAM, "serve", "--dev", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.kill()


def test_it_starts_when_it_is_told_to_and_says_when_it_sent(server: ScriptedServer, provider: Provider) -> None:
    start = time.time() + 1
    with service(server.address, provider, "--start-at", str(start), "--requests", "3", "--json") as process:
        output, _ = process.communicate(timeout=20)
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["status"] for line in lines] == [200] * 3
    assert all(line["at_ns"] / 1e9 >= start for line in lines)


def test_a_real_server_is_used_for_a_while(real_server: str, provider: Provider) -> None:
    with service(real_server, provider, "--seconds", "1", "--workers", "2", "--json") as process:
        output, _ = process.communicate(timeout=20)
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["status"] for line in lines} == {200}
    assert len(lines) == len(provider.arrivals)
