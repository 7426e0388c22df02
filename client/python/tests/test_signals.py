"""The cases of signals that clients in all languages share."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from server import ScriptedServer

import apportion
from apportion._core.timed import TimedObservation
from apportion._signals.interpret import interpret
from apportion.response import Response
from apportion.signals import STANDARD, SignalsReader
from apportion.v1.observation_pb2 import Observation
from apportion.v1.signals_pb2 import Signals

CASES = Path(__file__).parents[3] / "tests" / "conformance" / "signals"


def cases() -> list[Any]:
    presets = json.loads((CASES / "presets.json").read_text())
    found = []
    for file in sorted(CASES.glob("*.json")):
        if file.name == "presets.json":
            continue
        text = json.loads(file.read_text())
        shared = text.get("signals") or presets.get(text.get("preset"))
        for case in text["cases"]:
            found.append(pytest.param(case, case.get("signals", shared), id=f"{file.stem}: {case['name']}"))
    assert len(found) > 100
    return found


@pytest.mark.parametrize(("case", "signals"), cases())
def test_a_response_says_what_the_case_states(case: Any, signals: Any) -> None:
    response = case["response"]
    body = response.get("body")
    read = interpret(
        json_format.ParseDict(signals, Signals()),
        Response.of(
            response.get("status", 0),
            [(name, value) for name, value in response.get("headers", [])],
            None if body is None else body.encode("utf-8", "surrogatepass"),
        ),
    )
    timed = [TimedObservation.of(seen, 0) for seen in read.observations]
    expected = [json_format.ParseDict(each, Observation()) for each in case.get("observations", [])]
    assert [each.message for each in timed if each is not None] == expected
    assert read.is_counted != case.get("uncounted", False)


def test_the_signals_of_the_server_are_got_once_and_again_when_they_change(server: ScriptedServer) -> None:
    server.signals = Signals(limits=[{"limit_permits": {"header": "X-Mine"}}])  # type: ignore[list-item]
    server.signals_version = 7
    with apportion.connect(server.address) as quota:
        for _ in range(3):
            with quota.acquire() as held:
                server.wait_until(lambda: server.signals_asked == 1)
                while not isinstance(quota.reader, SignalsReader) or quota.reader.version != 7:
                    assert quota.flush()
                held.observe_response(200, {"X-Mine": "42", "X-RateLimit-Limit": "1"})
        server.signals_version = 8
        with quota.acquire():
            server.wait_until(lambda: server.signals_asked == 2)
    assert [seen.limit_permits for settle in server.settles for seen in settle.observations] == [42, 42, 42]


def test_without_signals_the_standard_headers_are_read_and_the_usual_ones() -> None:
    read = SignalsReader()

    def counts(status: int, headers: dict[str, str]) -> list[tuple[int | None, int | None, bool, int | None]]:
        seen = read(Response.of(status, headers))
        return [(each.limit_permits, each.remaining_permits, each.throttled, each.retry_after_ns) for each in seen]

    assert counts(200, {"RateLimit-Policy": '"a";q=10', "RateLimit": '"a";r=3;t=5'}) == [(10, 3, False, None)]
    assert counts(200, {"X-RateLimit-Limit": "166", "X-RateLimit-Remaining": "9"}) == [(166, 9, False, None)]
    assert counts(429, {"X-RateLimit-Limit": "166", "Retry-After": "2"}) == [(166, None, True, 2 * 10**9)]
    assert counts(429, {}) == [(None, None, True, None)]
    assert counts(503, {"Retry-After": "2"}) == [(None, None, False, 2 * 10**9)]
    assert counts(200, {}) == []


def test_an_interpreter_never_fails() -> None:
    random.seed(7)
    signals = [Signals.FromString(Signals().SerializeToString()), STANDARD]
    letters = '",;=:.-+ \t\\0179azTZ{}[]%\x00\x7f\xe4\ud800'
    for _ in range(3_000):
        text = "".join(random.choice(letters) for _ in range(random.randint(0, 40)))
        names = ["RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Reset", "Retry-After", "Date"]
        response = Response.of(429, [(random.choice(names), text) for _ in range(3)], text.encode("utf-8", "replace"))
        for each in signals:
            interpret(each, response)
