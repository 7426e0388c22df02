"""What a client does while no server is reachable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from ._core.span import Seconds, nanos
from .errors import ConfigError

__all__ = ["Deny", "Fallback", "Share", "Wait"]

PERMITS_MAX = 1 << 28


@dataclass(frozen=True)
class Deny:
    """Fails when the request has waited for its `max_wait`. Nothing is sent without a grant."""


@dataclass(frozen=True)
class Wait:
    """Waits until a server is reachable again, regardless of `max_wait`."""


@dataclass(frozen=True)
class Share:
    """Grants permits locally: at most `permits` in any span as long as `window`.

    Nobody coordinates these shares. Keep their sum over all processes of all services below the budget.
    """

    permits: int
    window: Seconds

    def __post_init__(self) -> None:
        if not 1 <= self.permits <= PERMITS_MAX:
            raise ConfigError(f"fallback: the permits of a share must be from 1 to {PERMITS_MAX}, and are {self.permits!r}")
        try:
            window_ns = nanos(self.window, "fallback: the window of a share")
        except ValueError as error:
            raise ConfigError(str(error)) from None
        if window_ns == 0:
            raise ConfigError("fallback: the window of a share must be longer than 0")


Fallback = Union[Deny, Wait, Share]
"""What a client does while no server is reachable."""
