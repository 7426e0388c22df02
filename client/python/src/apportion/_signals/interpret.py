"""Interprets one response."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from apportion._core.span import from_wire
from apportion._core.timed import PERMITS_MAX
from apportion.observation import Observation
from apportion.response import Response
from apportion.v1.signals_pb2 import (
    CountForm,
    CountSource,
    HeaderMatch,
    LimitSignal,
    ResponseMatch,
    Signals,
    ThrottleEffect,
    ThrottleSignal,
    TimeSource,
)

from . import body, item, time
from .number import integer

_VALUE_MAX = 1_024
_VALUE = re.compile(r"[\t -~]*")


@dataclass(frozen=True)
class Interpretation:
    """What a response says, and whether its request counted."""

    observations: list[Observation]
    is_counted: bool


def interpret(signals: Signals, response: Response) -> Interpretation:
    """Interprets a response."""
    seen: dict[str, Observation] = {}
    for signal in signals.limits:
        if signal.limit not in seen:
            observation = _limit(signal, response)
            if observation is not None:
                seen[signal.limit] = observation
    throttle = next((each for each in signals.throttles if _matches(each.response, response)), None)
    if throttle is not None:
        _refuse(signals, throttle, response, seen)
    status = response.status if 100 <= response.status <= 599 else 0
    observations = [dataclasses.replace(observation, status=status) for observation in seen.values()]
    return Interpretation(observations, not any(_matches(each, response) for each in signals.uncounted))


def wants_body(signals: Signals, status: int) -> bool:
    """Whether a condition on the body may decide what a status means."""
    return any(each.response.body and _has_status(each.response, status) for each in signals.throttles)


def _limit(signal: LimitSignal, response: Response) -> Observation | None:
    if not all(_header_holds(match, response) for match in signal.headers):
        return None
    limit_permits = _count(signal.limit_permits, response, is_limit=True) if signal.HasField("limit_permits") else None
    remaining = _count(signal.remaining_permits, response, is_limit=False) if signal.HasField("remaining_permits") else None
    reset = _time(signal.reset, response) if signal.HasField("reset") else None
    if limit_permits is None and remaining is None and reset is None:
        return None
    has_precision = reset is not None and signal.reset.HasField("precision")
    return Observation(
        limit=signal.limit,
        limit_permits=limit_permits,
        remaining_permits=remaining,
        reset_time_ns=reset.ns if reset is not None and reset.is_instant else None,
        reset_after_ns=reset.ns if reset is not None and not reset.is_instant else None,
        reset_precision_ns=from_wire(signal.reset.precision) if has_precision else None,
    )


def _refuse(signals: Signals, throttle: ThrottleSignal, response: Response, seen: dict[str, Observation]) -> None:
    if throttle.effect == ThrottleEffect.THROTTLE_EFFECT_UNRELATED:
        return
    is_throttled = throttle.effect != ThrottleEffect.THROTTLE_EFFECT_PAUSED
    retry_after_ns = _retry_after(signals, response)
    if retry_after_ns is None and throttle.HasField("default_retry_after"):
        retry_after_ns = from_wire(throttle.default_retry_after)
    if is_throttled or retry_after_ns is not None:
        observation = seen.get(throttle.limit, Observation(limit=throttle.limit))
        seen[throttle.limit] = dataclasses.replace(observation, throttled=is_throttled, retry_after_ns=retry_after_ns)


def _retry_after(signals: Signals, response: Response) -> int | None:
    for source in signals.retry_after:
        found = _time(source, response)
        if found is not None and not found.is_instant:
            return found.ns
        if found is not None:
            date = _value(response, "date")
            sent_ns = None if date is None else time.http_date(date)
            if sent_ns is not None and time.is_span(max(found.ns - sent_ns, 0)):
                return max(found.ns - sent_ns, 0)
    return None


def _matches(match: ResponseMatch, response: Response) -> bool:
    if not _has_status(match, response.status) or not all(_header_holds(each, response) for each in match.headers):
        return False
    if not match.body:
        return True
    value: Any = body.parsed(response.body)
    return all(body.holds(each, value) for each in match.body)


def _has_status(match: ResponseMatch, status: int) -> bool:
    return not match.statuses or status in match.statuses


def _header_holds(match: HeaderMatch, response: Response) -> bool:
    value = _value(response, match.header)
    return value is not None and (not match.values or value.lower() in [each.lower() for each in match.values])


def _count(source: CountSource, response: Response, *, is_limit: bool) -> int | None:
    text = _text(source, response)
    if text is None:
        return None
    if source.form in (CountForm.COUNT_FORM_UNSPECIFIED, CountForm.COUNT_FORM_INTEGER):
        count = integer(text)
    elif source.form == CountForm.COUNT_FORM_USED_OF_LIMIT:
        used, _, most = (integer(part) if part != "/" else 0 for part in text.partition("/"))
        count = None if used is None or most is None else most if is_limit else max(most - used, 0)
    else:
        count = None
    return count if count is not None and count <= PERMITS_MAX else None


def _time(source: TimeSource, response: Response) -> time.Time | None:
    text = _text(source, response)
    return None if text is None else time.read(text, source.form)


def _text(source: CountSource | TimeSource, response: Response) -> str | None:
    value = _value(response, source.header)
    if value is None or not source.parameter:
        return value
    return item.value(value, source.item, source.parameter)


def _value(response: Response, header: str) -> str | None:
    value = response.headers.get(header.lower())
    return value if value is not None and len(value) <= _VALUE_MAX and _VALUE.fullmatch(value) else None
