"""Permits of a request budget that many services share, from an Apportion server.

A permit is the right to send one request to the provider. A permit that leaves its scope counts as used.

    import apportion

    with apportion.connect("http://127.0.0.1:7420", team="default", caller="sync-1") as quota:
        with quota.permit():
            call_the_provider()

`apportion.aio` is the same for asyncio. `apportion.httpx`, `apportion.httpx2`, `apportion.aiohttp` and `apportion.requests` take
a permit for each attempt of an HTTP client. `apportion.testing` has a fake for tests.
"""

import os as _os

# gRPC reads it when it is imported. Without it, a process that is forked from one with a client can make no calls.
_os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")

from .client import Prefetch, Quota, connect
from .errors import (
    AcquireError,
    ApportionError,
    ClosedError,
    ConfigError,
    InvalidResponseError,
    PermitTimeoutError,
    RefusedError,
    UnreachableError,
)
from .fallback import Deny, Fallback, Share, Wait
from .observation import Observation
from .permit import Lease, Permit
from .response import Reader, Response
from .settings import Tls

__version__ = "0.1.0"
__all__ = [
    "AcquireError",
    "ApportionError",
    "ClosedError",
    "ConfigError",
    "Deny",
    "Fallback",
    "InvalidResponseError",
    "Lease",
    "Observation",
    "Permit",
    "PermitTimeoutError",
    "Prefetch",
    "Quota",
    "Reader",
    "RefusedError",
    "Response",
    "Share",
    "Tls",
    "UnreachableError",
    "Wait",
    "connect",
]
