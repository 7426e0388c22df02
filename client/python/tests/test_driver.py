"""The drivers of the conformance suite, in a few words each."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from provider import Provider
from server import ScriptedServer

CONFORMANCE = Path(__file__).parent.parent / "conformance"
sys.path.append(str(CONFORMANCE))
wire: Any = __import__("driver_pb2")


class Runner:
    """Sends one request after the other."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._numbers = itertools.count(1)

    def ask(self, process: int = 0, **operation: Any) -> Any:
        """Returns the response to a request."""
        message = wire.DriverRequest(id=next(self._numbers), process=process, **operation).SerializeToString()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(len(message).to_bytes(4, "big") + message)
        self._process.stdin.flush()
        size = int.from_bytes(self._process.stdout.read(4), "big")
        return wire.DriverResponse.FromString(self._process.stdout.read(size))


@contextmanager
def driving(*arguments: str) -> Iterator[Runner]:
    """Runs a driver."""
    command = [sys.executable, str(CONFORMANCE / "driver.py"), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Runner(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(5) == 0


@pytest.mark.parametrize("variant", [(), ("--aio",)])
def test_a_driver_does_what_it_is_told(variant: tuple[str, ...], server: ScriptedServer, provider: Provider) -> None:
    with driving(*variant) as runner:
        ask = runner.ask
        hello = ask(hello=wire.Hello(version=1)).hello
        assert (hello.version, hello.language) == (1, "python")
        assert ask(connect=wire.Connect(client=1, addresses=[server.address], team="t")).HasField("done")
        before = ask(state=wire.State()).state
        assert ask(acquire=wire.Acquire(client=1, lease=2, ask=wire.Ask(permits=3))).grant.permits == 3
        assert ask(take=wire.Take(lease=2, times=2)).taken.taken == 2
        assert ask(inspect=wire.Inspect(lease=2)).inspection.left == 1
        assert ask(leave=wire.Leave(lease=2)).HasField("done")
        source = wire.Source(client=1, ask=wire.Ask(max_wait_ms=1_000))
        assert ask(permit=wire.Permit(source=source, permit=3)).grant.permits == 1
        assert ask(put_back=wire.PutBack(permit=3)).HasField("done")
        assert ask(prefetch=wire.Prefetch(client=1, prefetch=4)).HasField("done")
        source = wire.Source(prefetch=4)
        assert ask(permit=wire.Permit(source=source, permit=5, then="THEN_LEAVE", repeat=50)).grant.count == 50
        for number, hook in enumerate(hello.hooks, 6):
            opened = wire.HttpOpen(http=number, source=source, hook=hook.name, follow_redirects=True)
            assert ask(http_open=opened).HasField("done")
            sent = ask(http_send=wire.HttpSend(http=number, method="GET", url=provider.url + "/redirect"))
            assert (sent.http.response.status, sent.http.response.body) == (200, b"ok")
        assert ask(flush=wire.Flush(client=1)).HasField("done")
        assert ask(state=wire.State(client=1)).state.in_use == 0
        assert ask(reset=wire.Reset()).HasField("done")
        assert ask(state=wire.State()).state.threads <= before.threads
    used = 2 + 50 + 2 * len(hello.hooks)
    assert len(provider.arrivals) == 2 * len(hello.hooks)
    assert (server.used(), server.returned()) == (used, server.granted - used)


def test_a_forked_process_has_a_client_of_its_own_and_no_permits(server: ScriptedServer) -> None:
    with driving() as runner:
        ask = runner.ask
        ask(connect=wire.Connect(client=1, addresses=[server.address]))
        ask(acquire=wire.Acquire(client=1, lease=2, ask=wire.Ask(permits=3)))
        assert ask(fork=wire.Fork(process=7)).HasField("done")
        assert ask(process=7, take=wire.Take(lease=2)).taken.taken == 0
        assert ask(process=7, acquire=wire.Acquire(client=1, lease=3)).grant.permits == 1
        assert ask(process=7, close=wire.Close(client=1)).HasField("done")
        assert ask(take=wire.Take(lease=2)).taken.taken == 1
        assert ask(reset=wire.Reset()).HasField("done")
    assert len({asked.request_id for asked in server.acquires}) == 2
