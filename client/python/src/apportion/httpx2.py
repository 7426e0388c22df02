"""Transports for httpx2 that take a permit for each attempt on the wire, redirects included, and report what responses say.

    quota = apportion.connect("http://127.0.0.1:7420", team="sync", caller="sync-1")
    with httpx2.Client(transport=PermitTransport(quota)) as client:
        client.get("https://api.example.com/contacts")

Give the transport to the client, and no `proxy` or `mounts` beside it: requests that take another transport take no permit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack

import httpx2

from ._http import AsyncAttempt, AsyncPermitSource, Attempt, PermitSource, Prefix, wants_body
from .permit import Permit

__all__ = ["AsyncPermitTransport", "PermitTransport"]

_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol)
"""Errors that tell that nothing was sent."""


class PermitTransport(httpx2.BaseTransport):
    """Takes a permit before each request that the inner transport sends.

    Raises `AcquireError` where none is granted: nothing was sent then. The retries of `httpx2.HTTPTransport` are those of
    connecting, so that an attempt on the wire takes one permit.
    """

    def __init__(self, source: PermitSource, transport: httpx2.BaseTransport | None = None) -> None:
        """Wraps a transport. By default `httpx2.HTTPTransport()`."""
        self._source = source
        self._transport = httpx2.HTTPTransport() if transport is None else transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request, once there is a permit for it."""
        with ExitStack() as scopes:
            attempt, extensions = Attempt(self._source, scopes), request.extensions
            request.extensions = {**extensions, "trace": attempt.trace(extensions.get("trace"))}
            try:
                response = self._transport.handle_request(request)
            except BaseException as error:
                is_traced = isinstance(self._transport, httpx2.HTTPTransport)
                if isinstance(error, _UNSENT) or (is_traced and not attempt.is_sent):
                    attempt.permit.put_back()
                raise
            finally:
                request.extensions = extensions
            return self._observed(attempt.permit, response)

    def _observed(self, permit: Permit, response: httpx2.Response) -> httpx2.Response:
        prefix, stream = Prefix(), response.stream
        try:
            if wants_body(self._source.reader, response.status_code) and isinstance(stream, httpx2.SyncByteStream):
                response = _peek(response, stream, prefix)
        finally:
            _observe(permit, response, prefix)
        return response

    def close(self) -> None:
        """Closes the inner transport. The client of the quota stays open."""
        self._transport.close()


class AsyncPermitTransport(httpx2.AsyncBaseTransport):
    """The same for `httpx2.AsyncClient` and the client of `apportion.aio`."""

    def __init__(self, source: AsyncPermitSource, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """Wraps a transport. By default `httpx2.AsyncHTTPTransport()`."""
        self._source = source
        self._transport = httpx2.AsyncHTTPTransport() if transport is None else transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request, once there is a permit for it."""
        async with AsyncExitStack() as scopes:
            attempt, extensions = AsyncAttempt(self._source, scopes), request.extensions
            await attempt.begin()
            request.extensions = {**extensions, "trace": attempt.trace(extensions.get("trace"))}
            try:
                response = await self._transport.handle_async_request(request)
            except BaseException as error:
                is_traced = isinstance(self._transport, httpx2.AsyncHTTPTransport)
                if isinstance(error, _UNSENT) or (is_traced and not attempt.is_sent):
                    attempt.permit.put_back()
                raise
            finally:
                request.extensions = extensions
            return await self._observed(attempt.permit, response)

    async def _observed(self, permit: Permit, response: httpx2.Response) -> httpx2.Response:
        prefix, stream = Prefix(), response.stream
        try:
            if wants_body(self._source.reader, response.status_code) and isinstance(stream, httpx2.AsyncByteStream):
                response = await _peek_async(response, stream, prefix)
        finally:
            _observe(permit, response, prefix)
        return response

    async def aclose(self) -> None:
        """Closes the inner transport. The client of the quota stays open."""
        await self._transport.aclose()


class _Rest(httpx2.SyncByteStream):
    """What was read ahead, and then the rest."""

    def __init__(self, prefix: Prefix, rest: Iterator[bytes], stream: httpx2.SyncByteStream) -> None:
        self._prefix = prefix
        self._rest = rest
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._prefix.chunks
        yield from self._rest

    def close(self) -> None:
        self._stream.close()


class _AsyncRest(httpx2.AsyncByteStream):
    """What was read ahead, and then the rest."""

    def __init__(self, prefix: Prefix, rest: AsyncIterator[bytes], stream: httpx2.AsyncByteStream) -> None:
        self._prefix = prefix
        self._rest = rest
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._prefix.chunks:
            yield chunk
        async for chunk in self._rest:
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _peek(response: httpx2.Response, stream: httpx2.SyncByteStream, prefix: Prefix) -> httpx2.Response:
    rest = iter(stream)
    for chunk in rest:
        if prefix.add(chunk):
            break
    return _with_stream(response, _Rest(prefix, rest, stream))


async def _peek_async(response: httpx2.Response, stream: httpx2.AsyncByteStream, prefix: Prefix) -> httpx2.Response:
    rest = aiter(stream)
    async for chunk in rest:
        if prefix.add(chunk):
            break
    return _with_stream(response, _AsyncRest(prefix, rest, stream))


def _with_stream(response: httpx2.Response, stream: httpx2.SyncByteStream | httpx2.AsyncByteStream) -> httpx2.Response:
    return httpx2.Response(response.status_code, headers=response.headers, stream=stream, extensions=response.extensions)


def _observe(permit: Permit, response: httpx2.Response, prefix: Prefix) -> None:
    body = _decoded(response, b"".join(prefix.chunks)) if prefix.chunks else None
    permit.observe_response(response.status_code, response.headers.multi_items(), body)


def _decoded(response: httpx2.Response, raw: bytes) -> bytes | None:
    try:
        return httpx2.Response(response.status_code, headers=response.headers, content=raw).content
    except httpx2.DecodingError:
        return None
