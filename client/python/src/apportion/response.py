"""What a reader of responses is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Union

from .observation import Observation

__all__ = ["Reader", "Response"]

BODY_MAX = 4_096
"""The most bytes of a body that are looked at."""


@dataclass(frozen=True)
class Response:
    """One response of the provider."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str]
    """The headers by their names in lower case. The values of a header that occurs repeatedly are joined by `, `."""
    body: bytes | None = None
    """The body, if it was read and has at most 4 KiB."""

    @staticmethod
    def of(status: int, headers: Iterable[tuple[str, str]] | Mapping[str, str], body: bytes | None = None) -> Response:
        """Returns a response with headers as HTTP clients have them."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        by_name: dict[str, str] = {}
        for name, value in pairs:
            key, stripped = name.lower(), value.strip(" \t")
            by_name[key] = f"{by_name[key]}, {stripped}" if key in by_name else stripped
        return Response(status, by_name, body if body is not None and len(body) <= BODY_MAX else None)


Reader = Callable[[Response], Union[Iterable[Observation], Observation, None]]
"""Reads what a response says about limits. What it raises is logged, and the response is taken to say nothing."""
