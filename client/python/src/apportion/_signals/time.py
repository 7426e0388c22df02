"""Instants and durations as responses write them, in nanoseconds."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from apportion._core.span import MS, SECOND
from apportion._core.timed import RESET_MAX_NS, SPAN_MAX_NS
from apportion.v1.signals_pb2 import TimeForm

from .number import integer, scaled, seconds

_DAY = 86_400 * SECOND
_UNITS = {"d": _DAY, "h": 3_600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": MS, "us": 1_000}
_PART = re.compile(r"([0-9.]+)(ms|us|d|h|m|s)")
_RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Time:
    """An instant since the Unix epoch, or a duration."""

    ns: int
    is_instant: bool


def read(text: str, form: int) -> Time | None:
    """Returns the time that is written in a form. None if it is not, or out of range."""
    instants = {
        TimeForm.TIME_FORM_UNIX_SECONDS: seconds,
        TimeForm.TIME_FORM_UNIX_MILLISECONDS: _milliseconds,
        TimeForm.TIME_FORM_RFC_3339: _rfc_3339,
        TimeForm.TIME_FORM_HTTP_DATE: http_date,
    }
    durations = {
        TimeForm.TIME_FORM_SECONDS: seconds,
        TimeForm.TIME_FORM_MILLISECONDS: _milliseconds,
        TimeForm.TIME_FORM_DURATION: _duration,
    }
    parse = instants.get(form) or durations.get(form)  # type: ignore[call-overload]
    ns = None if parse is None else parse(text)
    if ns is None:
        return None
    is_instant = form in instants
    is_in_range = 0 <= ns < RESET_MAX_NS if is_instant else 0 <= ns <= SPAN_MAX_NS
    return Time(ns, is_instant) if is_in_range else None


def http_date(text: str) -> int | None:
    """Returns an HTTP date."""
    match = _HTTP_DATE.fullmatch(text)
    if match is None:
        return None
    day, month, year, hour, minute, second = match.groups()
    return _instant(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))


def _milliseconds(text: str) -> int | None:
    count = integer(text)
    return None if count is None else count * MS


def _duration(text: str) -> int | None:
    total, at, units = 0, 0, list(_UNITS)
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or part[2] not in units:
            return None
        ns = scaled(part[1], _UNITS[part[2]])
        if ns is None:
            return None
        units = units[units.index(part[2]) + 1 :]
        total += ns
        at = part.end()
    return total if text else None


def _rfc_3339(text: str) -> int | None:
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    ns = _instant(year, month, day, hour, minute, second)
    if ns is None:
        return None
    ns += int((match[7] or "")[:9].ljust(9, "0"))
    if match[8] is None:
        return ns
    hours, minutes = int(match[9]), int(match[10])
    if hours > 23 or minutes > 59:
        return None
    offset_ns = (hours * 3_600 + minutes * 60) * SECOND
    return ns - offset_ns if match[8] == "+" else ns + offset_ns


def _instant(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    if hour > 23 or minute > 59 or second > 59:
        return None
    try:
        days = datetime.date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    return ((days * 24 + hour) * 60 + minute) * 60 * SECOND + second * SECOND


def is_span(ns: int) -> bool:
    """Whether a duration can be reported."""
    return 0 <= ns <= SPAN_MAX_NS
