"""Reads responses in the format of Intercom's headers, which many providers share.

The headers are `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset` in Unix seconds, and `Retry-After` in seconds.
"""

from __future__ import annotations

from ._core.span import SECOND
from .observation import Observation
from .response import Response

__all__ = ["read"]

_TOO_MANY_REQUESTS = 429
_PERMITS_MAX = 1 << 28
_SPAN_MAX_S = 366 * 86_400
_RESET_MAX_S = 9_214_646_400


def read(response: Response) -> Observation:
    """Returns what the response says about the shortest limit.

    Headers that are absent, malformed or out of bounds are left out. Without a body, every 429 counts as a throttle. With one, a
    429 about a cap on jobs does not: its delay concerns jobs, and would stop all requests.
    """
    is_job_cap = response.body is not None and b" pending " in response.body and b" jobs" in response.body
    retry_after_s = _integer(response, "retry-after", _SPAN_MAX_S)
    reset_s = _integer(response, "x-ratelimit-reset", _RESET_MAX_S - 1)
    return Observation(
        status=response.status,
        limit_permits=_integer(response, "x-ratelimit-limit", _PERMITS_MAX),
        remaining_permits=_integer(response, "x-ratelimit-remaining", _PERMITS_MAX),
        reset_time_ns=None if reset_s is None else reset_s * SECOND,
        throttled=response.status == _TOO_MANY_REQUESTS and not is_job_cap,
        retry_after_ns=None if is_job_cap or retry_after_s is None else retry_after_s * SECOND,
    )


def _integer(response: Response, name: str, most: int) -> int | None:
    """Returns a whole number from 0 to `most`. None if the header is absent, malformed or out of bounds."""
    text = response.headers.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    return value if (value := int(text)) <= most else None
