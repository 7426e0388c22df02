"""Strings in JSON bodies."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from apportion.v1.signals_pb2 import BodyMatch

_BODY_MAX = 4_096
_DEPTH_MAX = 32
_STEP = re.compile(r"([A-Za-z0-9_\-]+)|\[([0-9]{1,2})\]|\.")


def parsed(body: bytes | None) -> Any:
    """Returns the value of a body. None if it is no JSON text that is looked at."""
    if body is None or len(body) > _BODY_MAX:
        return None
    try:
        text = body.decode("utf-8")
        if _depth(text) > _DEPTH_MAX:
            return None
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def holds(match: BodyMatch, value: Any) -> bool:
    """Whether a condition holds for the value of a body."""
    for name, index in _steps(match.path):
        if index is None:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[index] if isinstance(value, list) and index < len(value) else None
    if not isinstance(value, str):
        return False
    return value == match.equals if match.WhichOneof("text") == "equals" else match.contains in value


def _steps(path: str) -> list[tuple[str, int | None]]:
    steps: list[tuple[str, int | None]] = []
    for found in _STEP.finditer(path):
        if found[1] is not None:
            steps.append((found[1], None))
        elif found[2] is not None:
            steps.append(("", int(found[2])))
    return steps


def _depth(text: str) -> int:
    """Returns how deep a JSON text is nested."""
    depth = deepest = 0
    is_string = is_escaped = False
    for char in text:
        if is_string:
            is_string = is_escaped or char != '"'
            is_escaped = char == "\\" and not is_escaped
        elif char == '"':
            is_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
