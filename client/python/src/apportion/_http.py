"""What the hooks of HTTP clients have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from typing import Any, Protocol

from .permit import Permit
from .response import BODY_MAX, Reader

_TOO_MANY_REQUESTS = 429
_BEFORE_SENDING = ".send_request_headers.started"
"""The end of the names that httpcore's trace has for the moment before a request is sent."""


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


class Attempt:
    """A request on its way, which may wait long for a connection: a permit that is too old then is replaced."""

    def __init__(self, source: PermitSource, scopes: ExitStack) -> None:
        self._source = source
        self._scopes = scopes
        self.permit = scopes.enter_context(source.permit())
        self.is_sent = False
        """Whether something may have been sent, as far as the client tells."""

    def trace(self, former: Callable[[str, Any], None] | None) -> Callable[[str, Any], None]:
        """Returns what httpcore is to call, around what the user has asked it to call."""

        def trace(name: str, details: Any) -> None:
            if former is not None:
                former(name, details)
            if name.endswith(_BEFORE_SENDING):
                self.before_sending()

        return trace

    def before_sending(self) -> None:
        """Is called when there is a connection."""
        if self.permit.valid_for <= 0:
            self.permit.put_back()
            self.permit = self._scopes.enter_context(self._source.permit())
        self.is_sent = True


class AsyncAttempt:
    """The same for asyncio."""

    def __init__(self, source: AsyncPermitSource, scopes: AsyncExitStack) -> None:
        self._source = source
        self._scopes = scopes
        self.permit: Permit
        self.is_sent = False

    async def begin(self) -> None:
        """Takes the permit."""
        self.permit = await self._scopes.enter_async_context(self._source.permit())

    def trace(self, former: Callable[[str, Any], Awaitable[None]] | None) -> Callable[[str, Any], Awaitable[None]]:
        """Returns what httpcore is to call, around what the user has asked it to call."""

        async def trace(name: str, details: Any) -> None:
            if former is not None:
                await former(name, details)
            if name.endswith(_BEFORE_SENDING):
                await self.before_sending()

        return trace

    async def before_sending(self) -> None:
        """Is called when there is a connection."""
        if self.permit.valid_for <= 0:
            self.permit.put_back()
            await self.begin()
        self.is_sent = True


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
