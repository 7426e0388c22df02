"""HTTP clients that block, with the hooks of the library in them."""

from __future__ import annotations

from typing import Any

import convert
import driver_pb2 as wire
import httpx
import httpx2
import requests

import apportion
import apportion.httpx
import apportion.httpx2
import apportion.requests

HOOKS = {"httpx": ["redirects", "http2"], "httpx2": ["redirects", "http2"], "requests": ["redirects", "retries"]}


class Requests:
    """A session of requests, which has no time-out of its own."""

    def __init__(self, message: wire.HttpOpen, source: Any) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, apportion.requests.PermitAdapter(source, max_retries=message.retries))
        self._follows = message.follow_redirects
        self._timeout = message.timeout_ms / 1000 if message.HasField("timeout_ms") else None

    def send(self, message: wire.HttpSend, headers: list[tuple[str, str]], body: bytes | None) -> Any:
        """Sends one request."""
        return self._session.request(
            message.method,
            message.url,
            headers=dict(headers),
            data=body,
            allow_redirects=self._follows,
            timeout=self._timeout,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()


class Httpx:
    """A client of httpx or httpx2."""

    def __init__(self, message: wire.HttpOpen, source: Any) -> None:
        module: Any = httpx if message.hook == "httpx" else httpx2
        hook: Any = apportion.httpx if message.hook == "httpx" else apportion.httpx2
        inner = module.HTTPTransport(http1=not message.http2, http2=message.http2)
        options: dict[str, Any] = {"timeout": message.timeout_ms / 1000} if message.HasField("timeout_ms") else {}
        self._client = module.Client(
            transport=hook.PermitTransport(source, inner), follow_redirects=message.follow_redirects, **options
        )

    def send(self, message: wire.HttpSend, headers: list[tuple[str, str]], body: bytes | None) -> Any:
        """Sends one request."""
        return self._client.request(message.method, message.url, headers=headers, content=body)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def open_http(message: wire.HttpOpen, source: Any) -> Requests | Httpx:
    """Opens an HTTP client."""
    if message.hook not in HOOKS:
        raise convert.UnsupportedError(f"hook {message.hook}")
    if message.hook == "requests":
        return Requests(message, source)
    return Httpx(message, source)


def send(client: Requests | Httpx, message: wire.HttpSend) -> wire.HttpResult | wire.Failure:
    """Sends one request, and returns the final response."""
    headers = [(header.name, header.value) for header in message.headers]
    try:
        response = client.send(message, headers, message.body if message.HasField("body") else None)
        body = response.content
    except apportion.ApportionError:
        raise
    except Exception as error:
        failure = convert.failure(error)
        failure.kind = wire.Failure.KIND_HTTP
        return failure
    seen = [wire.Header(name=name, value=value) for name, value in response.headers.items()]
    return wire.HttpResult(response=wire.Response(status=response.status_code, headers=seen, body=body))
