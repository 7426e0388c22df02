"""Reads responses by the signals of a workspace: what the headers of its provider mean, as the server says."""

from __future__ import annotations

import dataclasses

from ._signals.interpret import Interpretation, Interpreter, interpret
from .headers import read
from .observation import Observation
from .response import Response
from .v1.signals_pb2 import (
    CountSource,
    HeaderMatch,
    LimitSignal,
    ResponseMatch,
    Signals,
    ThrottleEffect,
    ThrottleSignal,
    TimeForm,
    TimeSource,
)

__all__ = ["Interpretation", "Interpreter", "SignalsReader", "interpret"]

_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503
STANDARD = Signals(
    limits=[
        LimitSignal(
            limit_permits=CountSource(header="RateLimit-Policy", parameter="q"),
            remaining_permits=CountSource(header="RateLimit", parameter="r"),
            reset=TimeSource(header="RateLimit", parameter="t", form=TimeForm.TIME_FORM_SECONDS),
        ),
        LimitSignal(
            limit_permits=CountSource(header="RateLimit-Limit"),
            remaining_permits=CountSource(header="RateLimit-Remaining"),
            reset=TimeSource(header="RateLimit-Reset", form=TimeForm.TIME_FORM_SECONDS),
        ),
    ],
    throttles=[
        ThrottleSignal(response=ResponseMatch(statuses=[_TOO_MANY_REQUESTS])),
        ThrottleSignal(
            response=ResponseMatch(statuses=[_UNAVAILABLE], headers=[HeaderMatch(header="Retry-After")]),
            effect=ThrottleEffect.THROTTLE_EFFECT_PAUSED,
        ),
    ],
    retry_after=[
        TimeSource(header="Retry-After", form=TimeForm.TIME_FORM_SECONDS),
        TimeSource(header="Retry-After", form=TimeForm.TIME_FORM_HTTP_DATE),
    ],
)
"""The standard headers, as in the preset `ietf`."""
_STANDARD = Interpreter(STANDARD)


class SignalsReader:
    """The reader that a client has by default.

    It reads the standard headers, and those that `apportion.headers` reads, until the server has said what the responses of the
    provider mean.
    """

    def __init__(self, signals: Signals | None = None) -> None:
        """Reads by given signals, if there are some: then those of the server are not asked for."""
        self.is_fixed = signals is not None
        self.version = 0
        """The version of the signals of the server. 0 before there are some."""
        self._interpret = None if signals is None else Interpreter(signals)

    def __call__(self, response: Response) -> list[Observation]:
        """Returns what a response says."""
        if self._interpret is not None:
            return self._interpret(response).observations
        observations = _STANDARD(response).observations
        usual = read(response)
        says_more = usual.limit_permits is not None or usual.remaining_permits is not None
        is_standard = any(seen.limit_permits is not None or seen.remaining_permits is not None for seen in observations)
        if is_standard or not (says_more or usual.status == _TOO_MANY_REQUESTS):
            return observations
        is_whole = usual.throttled or usual.retry_after_ns is None
        return [usual if is_whole else dataclasses.replace(usual, retry_after_ns=None)]

    def wants_body(self, status: int) -> bool:
        """Whether the body may decide what a status means."""
        return status == _TOO_MANY_REQUESTS if self._interpret is None else self._interpret.wants_body(status)

    def replace(self, signals: Signals, version: int) -> None:
        """Reads by other signals from now on."""
        self._interpret, self.version = Interpreter(signals), version
