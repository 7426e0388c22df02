"""HTTP clients for asyncio, with the hooks of the library in them."""

from __future__ import annotations

from typing import Any

import aiohttp
import convert
import driver_pb2 as wire
import httpx
import httpx2

import apportion
import apportion.aiohttp
import apportion.httpx
import apportion.httpx2

HOOKS = {"httpx": ["redirects", "http2"], "httpx2": ["redirects", "http2"], "aiohttp": ["redirects"]}


class Aiohttp:
    """A session of aiohttp."""

    def __init__(self, message: wire.HttpOpen, source: Any) -> None:
        seconds = message.timeout_ms / 1000 if message.HasField("timeout_ms") else None
        options: dict[str, Any] = {"timeout": aiohttp.ClientTimeout(seconds)} if seconds else {}
        self._session = aiohttp.ClientSession(middlewares=[apportion.aiohttp.PermitMiddleware(source)], **options)
        self._follows = message.follow_redirects

    async def send(self, message: wire.HttpSend, headers: list[tuple[str, str]], body: bytes | None) -> tuple[int, Any, bytes]:
        """Sends one request."""
        options: dict[str, Any] = {"headers": headers, "data": body, "allow_redirects": self._follows}
        async with self._session.request(message.method, message.url, **options) as response:
            return response.status, response.headers.items(), await response.read()

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()


class Httpx:
    """A client of httpx or httpx2."""

    def __init__(self, message: wire.HttpOpen, source: Any) -> None:
        module: Any = httpx if message.hook == "httpx" else httpx2
        hook: Any = apportion.httpx if message.hook == "httpx" else apportion.httpx2
        inner = module.AsyncHTTPTransport(http1=not message.http2, http2=message.http2)
        options: dict[str, Any] = {"timeout": message.timeout_ms / 1000} if message.HasField("timeout_ms") else {}
        self._client = module.AsyncClient(
            transport=hook.AsyncPermitTransport(source, inner), follow_redirects=message.follow_redirects, **options
        )

    async def send(self, message: wire.HttpSend, headers: list[tuple[str, str]], body: bytes | None) -> tuple[int, Any, bytes]:
        """Sends one request."""
        response = await self._client.request(message.method, message.url, headers=headers, content=body)
        return response.status_code, response.headers.items(), response.content

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def open_http(message: wire.HttpOpen, source: Any) -> Aiohttp | Httpx:
    """Opens an HTTP client."""
    if message.hook not in HOOKS:
        raise convert.UnsupportedError(f"hook {message.hook}")
    return Aiohttp(message, source) if message.hook == "aiohttp" else Httpx(message, source)


async def send(client: Aiohttp | Httpx, message: wire.HttpSend) -> wire.HttpResult | wire.Failure:
    """Sends one request, and returns the final response."""
    headers = [(header.name, header.value) for header in message.headers]
    try:
        status, seen, body = await client.send(message, headers, message.body if message.HasField("body") else None)
    except apportion.ApportionError:
        raise
    except Exception as error:
        failure = convert.failure(error)
        failure.kind = wire.Failure.KIND_HTTP
        return failure
    found = [wire.Header(name=name, value=value) for name, value in seen]
    return wire.HttpResult(response=wire.Response(status=status, headers=found, body=body))
