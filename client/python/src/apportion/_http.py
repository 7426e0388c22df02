"""What the hooks of HTTP clients have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from .permit import Permit
from .response import BODY_MAX, Reader

_TOO_MANY_REQUESTS = 429


class PermitSource(Protocol):
    """Where a hook takes its permits from: a client, a prefetch, or `on_demand` of a client."""

    @property
    def reader(self) -> Reader:
        """Reads what responses say."""

    def permit(self) -> Permit:
        """Takes a permit."""


class AsyncPermitSource(Protocol):
    """The same for asyncio."""

    @property
    def reader(self) -> Reader:
        """Reads what responses say."""

    def permit(self) -> AbstractAsyncContextManager[Permit]:
        """Takes a permit."""


def wants_body(reader: Reader, status: int) -> bool:
    """Whether the start of the body is to be read: a reader may say so by a method `wants_body`, and is given that of a 429."""
    ask: Any = getattr(reader, "wants_body", None)
    return bool(ask(status)) if callable(ask) else status == _TOO_MANY_REQUESTS


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error, and what it was raised from."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


class Prefix:
    """The start of a body that is read ahead."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0

    def add(self, chunk: bytes) -> bool:
        """Adds a chunk. Returns whether that is enough."""
        self.chunks.append(chunk)
        self.size += len(chunk)
        return self.size > BODY_MAX
