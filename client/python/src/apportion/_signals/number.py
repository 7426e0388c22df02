"""Numbers as responses write them: no sign, no exponent, no space, 1 to 15 digits before the dot."""

from __future__ import annotations

import re

from apportion._core.span import SECOND

_DIGITS = re.compile(r"[0-9]{1,15}")
_DECIMAL = re.compile(r"([0-9]{1,15})(?:\.([0-9]+))?")


def integer(text: str) -> int | None:
    """Returns the count of digits."""
    return int(text) if _DIGITS.fullmatch(text) else None


def scaled(text: str, unit_ns: int) -> int | None:
    """Returns so many units in nanoseconds. What is finer is cut off."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    # No unit is longer than a day, which 20 digits resolve to well below a nanosecond.
    fraction = (match[2] or "")[:20]
    return int(match[1]) * unit_ns + (int(fraction) * unit_ns // 10 ** len(fraction) if fraction else 0)


def seconds(text: str) -> int | None:
    """Returns seconds, perhaps with decimals, in nanoseconds."""
    return scaled(text, SECOND)
