"""An adapter for requests that takes a permit for each attempt on the wire, redirects included, and reports what responses say.

quota = apportion.connect("http://127.0.0.1:7420", team="sync", caller="sync-1")
session = requests.Session()
for scheme in ("https://", "http://"):
    session.mount(scheme, PermitAdapter(quota))
session.get("https://api.example.com/contacts")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
import requests.adapters
import urllib3
from urllib3.util.retry import Retry

from ._http import PermitSource, causes, wants_body
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
        with self._source.permit() as permit:
            try:
                response = super().send(request, stream, timeout, verify, cert, proxies)
            except requests.ConnectionError as error:
                if any(isinstance(cause, _UNSENT) for cause in causes(error)):
                    permit.put_back()
                raise
            body = None
            try:
                if not stream and wants_body(self._source.reader, response.status_code):
                    body = response.content
            finally:
                permit.observe_response(response.status_code, response.headers.items(), body)
            return response


def _retries(retries: Retry | int) -> int:
    if isinstance(retries, int):
        return int(retries)
    if retries.total is False:
        return 0
    limits = (retries.total, retries.connect, retries.read, retries.redirect, retries.status, retries.other)
    return max(int(limit or 0) for limit in limits)
