"""An adapter for requests that takes a permit for each attempt on the wire, redirects included, and reports what responses say.

quota = apportion.connect("http://127.0.0.1:7420", team="sync", caller="sync-1")
session = requests.Session()
for scheme in ("https://", "http://"):
    session.mount(scheme, PermitAdapter(quota))
session.get("https://api.example.com/contacts")
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import requests
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.retry import Retry

from ._http import Attempt, PermitSource, causes, wants_body
from .errors import ConfigError

__all__ = ["PermitAdapter"]

_UNSENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
"""Errors that tell that nothing was sent."""


class PermitAdapter(requests.adapters.HTTPAdapter):
    """Takes a permit before each request that is sent. Raises `AcquireError` where none is granted: nothing was sent then.

    It refuses `max_retries`: urllib3 would send again below the adapter, without a permit. Send again with the session.
    """

    def __init__(self, source: PermitSource, *, max_retries: Retry | int | None = 0, **options: Any) -> None:
        """Takes permits from a client, or from a prefetch of it. The other options are those of `HTTPAdapter`.

        Raises:
            ConfigError: if `max_retries` allows a request to be sent again.
        """
        if max_retries is not None and _retries(max_retries) > 0:
            raise ConfigError(f"max_retries: must be 0, and is {max_retries!r}: urllib3 would send again without a permit")
        super().__init__(max_retries=0, **options)
        self._source = source

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Creates the connections, which tell before they send."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Sends one request, once there is a permit for it."""
        with ExitStack() as scopes:
            attempt = Attempt(self._source, scopes)
            try:
                with _told(attempt):
                    response = super().send(request, stream, timeout, verify, cert, proxies)
            except BaseException as error:
                # A proxy has connections of its own, which do not tell.
                is_told = attempt.is_sent or not requests.utils.select_proxy(str(request.url), proxies)
                if any(isinstance(cause, _UNSENT) for cause in causes(error)) or (is_told and not attempt.is_sent):
                    attempt.permit.put_back()
                raise
            body = None
            try:
                if not stream and wants_body(self._source.reader, response.status_code):
                    body = response.content
            finally:
                attempt.permit.observe_response(response.status_code, response.headers.items(), body)
            return response


class _Told(threading.local):
    attempt: Attempt | None = None


_current = _Told()
"""The attempt that a thread is about to send."""


@contextmanager
def _told(attempt: Attempt) -> Iterator[None]:
    _current.attempt = attempt
    try:
        yield
    finally:
        _current.attempt = None


def _before_sending(connection: HTTPConnection) -> None:
    attempt = _current.attempt
    if attempt is not None:
        if connection.sock is None:
            connection.connect()
        attempt.before_sending()


class _Connection(HTTPConnection):
    def request(self, *arguments: Any, **options: Any) -> None:
        _before_sending(self)
        super().request(*arguments, **options)


class _SecureConnection(HTTPSConnection):
    def request(self, *arguments: Any, **options: Any) -> None:
        _before_sending(self)
        super().request(*arguments, **options)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _retries(retries: Retry | int) -> int:
    if isinstance(retries, int):
        return int(retries)
    if retries.total is False:
        return 0
    limits = (retries.total, retries.connect, retries.read, retries.redirect, retries.status, retries.other)
    return max(int(limit or 0) for limit in limits)
