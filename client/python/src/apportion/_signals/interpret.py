"""Interprets responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from apportion._core.span import from_wire
from apportion._core.timed import PERMITS_MAX
from apportion.observation import Observation
from apportion.response import Response
from apportion.v1.signals_pb2 import (
    CountForm,
    CountSource,
    LimitSignal,
    Signals,
    ThrottleEffect,
    ThrottleSignal,
    TimeSource,
)

from . import time
from .match import Headers, Match, Text, value
from .number import integer

Fields = dict[str, Any]
"""What was read of one limit, by the names of an observation."""
Read = Callable[[Response], Union[Fields, None]]


@dataclass(frozen=True)
class Interpretation:
    """What a response says, and whether its request counted."""

    observations: list[Observation]
    is_counted: bool


def interpret(signals: Signals, response: Response) -> Interpretation:
    """Interprets one response."""
    return Interpreter(signals)(response)


class Interpreter:
    """Interprets responses by given signals."""

    def __init__(self, signals: Signals) -> None:
        """Looks at the signals once, so that a response costs little."""
        self._limits = [_Limit(each) for each in signals.limits]
        self._throttles = [_Throttle(each) for each in signals.throttles]
        self._retry_after = [(Text(each), each.form) for each in signals.retry_after]
        self._uncounted = [Match(each) for each in signals.uncounted]

    def __call__(self, response: Response) -> Interpretation:
        """Interprets a response."""
        seen: dict[str, Fields] = {}
        for limit in self._limits:
            if limit.id not in seen and (fields := limit.read(response)):
                seen[limit.id] = fields
        throttle = next((each for each in self._throttles if each.match.holds(response)), None)
        if throttle is not None:
            self._refuse(throttle, response, seen)
        status = response.status if 100 <= response.status <= 599 else 0
        observations = [Observation(limit, status, **fields) for limit, fields in seen.items()]
        return Interpretation(observations, not any(each.holds(response) for each in self._uncounted))

    def wants_body(self, status: int) -> bool:
        """Whether a condition on the body may decide what a status means."""
        return any(each.match.wants_body(status) for each in self._throttles)

    def _refuse(self, throttle: _Throttle, response: Response, seen: dict[str, Fields]) -> None:
        if throttle.effect == ThrottleEffect.THROTTLE_EFFECT_UNRELATED:
            return
        is_throttled = throttle.effect != ThrottleEffect.THROTTLE_EFFECT_PAUSED
        retry_after_ns = self._read_retry_after(response)
        if retry_after_ns is None:
            retry_after_ns = throttle.default_retry_after_ns
        if is_throttled or retry_after_ns is not None:
            seen.setdefault(throttle.limit, {}).update(throttled=is_throttled, retry_after_ns=retry_after_ns)

    def _read_retry_after(self, response: Response) -> int | None:
        for text, form in self._retry_after:
            found = _time(text, form, response)
            if found is not None and not found.is_instant:
                return found.ns
            if found is not None:
                date = value(response, "date")
                sent_ns = None if date is None else time.http_date(date)
                if sent_ns is not None and time.is_span(max(found.ns - sent_ns, 0)):
                    return max(found.ns - sent_ns, 0)
        return None


class _Limit:
    """What responses say of one limit."""

    def __init__(self, signal: LimitSignal) -> None:
        self.id = signal.limit
        self._headers = Headers(list(signal.headers))
        self._reads: list[Read] = []
        if signal.HasField("limit_permits"):
            self._reads.append(_count(signal.limit_permits, "limit_permits"))
        if signal.HasField("remaining_permits"):
            self._reads.append(_count(signal.remaining_permits, "remaining_permits"))
        if signal.HasField("reset"):
            self._reads.append(_reset(signal.reset))

    def read(self, response: Response) -> Fields:
        """Returns what a response says; nothing if it says nothing."""
        fields: Fields = {}
        for read in self._reads:
            found = read(response)
            if found is not None:
                fields.update(found)
        return fields if fields and self._headers.hold(response) else {}


class _Throttle:
    """Which responses refuse a request, and what that means."""

    def __init__(self, signal: ThrottleSignal) -> None:
        self.match = Match(signal.response)
        self.effect = signal.effect
        self.limit = signal.limit
        has_default = signal.HasField("default_retry_after")
        self.default_retry_after_ns = from_wire(signal.default_retry_after) if has_default else None


def _count(source: CountSource, name: str) -> Read:
    text, form = Text(source), source.form
    is_plain = form in (CountForm.COUNT_FORM_UNSPECIFIED, CountForm.COUNT_FORM_INTEGER)

    def read(response: Response) -> Fields | None:
        written = text.of(response)
        if written is None:
            return None
        if is_plain:
            count = integer(written)
        elif form == CountForm.COUNT_FORM_USED_OF_LIMIT:
            used, _, most = (integer(part) if part != "/" else 0 for part in written.partition("/"))
            count = None if used is None or most is None else most if name == "limit_permits" else max(most - used, 0)
        else:
            count = None
        return {name: count} if count is not None and count <= PERMITS_MAX else None

    return read


def _reset(source: TimeSource) -> Read:
    text, form = Text(source), source.form
    precision = {"reset_precision_ns": from_wire(source.precision)} if source.HasField("precision") else {}

    def read(response: Response) -> Fields | None:
        found = _time(text, form, response)
        return None if found is None else {"reset_time_ns" if found.is_instant else "reset_after_ns": found.ns, **precision}

    return read


def _time(text: Text, form: int, response: Response) -> time.Time | None:
    written = text.of(response)
    return None if written is None else time.read(written, form)
