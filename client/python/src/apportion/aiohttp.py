"""A middleware for aiohttp (3.12 or later) that takes a permit for each attempt on the wire, and reports what responses say.

    async with apportion.aio.connect("http://127.0.0.1:7420", team="sync", caller="sync-1") as quota:
        async with aiohttp.ClientSession(middlewares=[PermitMiddleware(quota)]) as session:
            await session.get("https://api.example.com/contacts")

aiohttp runs middlewares inside its redirects and retries, so that each of these takes a permit. Put it last in the list, below
those that send again. The `middlewares` of a single request replace those of the session: name it there too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from ._http import AsyncAttempt, AsyncPermitSource, wants_body

__all__ = ["PermitMiddleware"]

_UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Errors that tell that nothing was sent."""
_BODY_READ_MAX = 64 << 10
"""The largest body that is read before the response is handed on."""


class PermitMiddleware:
    """Takes a permit before each attempt. Raises `AcquireError` where none is granted: nothing was sent then."""

    def __init__(self, source: AsyncPermitSource) -> None:
        """Takes permits from a client, or from a prefetch of it."""
        self._source = source

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Sends one attempt, once there is a permit for it."""
        async with AsyncExitStack() as scopes:
            attempt = AsyncAttempt(self._source, scopes)
            await attempt.begin()
            with _telling(request, attempt) as is_told:
                try:
                    response = await handler(request)
                except BaseException as error:
                    if isinstance(error, _UNSENT) or (is_told and not attempt.is_sent):
                        attempt.permit.put_back()
                    raise
            body = None
            if wants_body(self._source.reader, response.status) and (response.content_length or 0) <= _BODY_READ_MAX:
                with contextlib.suppress(aiohttp.ClientError):  # Who reads it gets the error again.
                    body = await response.read()
            attempt.permit.observe_response(response.status, response.headers.items(), body)
            return response


@contextlib.contextmanager
def _telling(request: ClientRequest, attempt: AsyncAttempt) -> Iterator[bool]:
    """Lets a request tell when it has a connection, which may take longer than the permit is valid. Yields whether it does.

    aiohttp calls its method `send` then. Where it does not, the permit is that of the start.
    """
    telling: Any = request
    former: Any = getattr(telling, "send", None)

    async def send(connection: Any) -> Any:
        await attempt.before_sending()
        return await former(connection)

    try:
        telling.send = send
    except AttributeError:
        yield False
        return
    try:
        yield former is not None
    finally:
        telling.send = former
