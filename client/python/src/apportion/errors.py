"""What the client raises."""

from __future__ import annotations

__all__ = [
    "AcquireError",
    "ApportionError",
    "ClosedError",
    "ConfigError",
    "InvalidResponseError",
    "PermitTimeoutError",
    "RefusedError",
    "UnreachableError",
]


class ApportionError(Exception):
    """Any error of the client."""


class ConfigError(ApportionError, ValueError):
    """The configuration is invalid: the message names the setting, its value, and what it must be."""


class AcquireError(ApportionError):
    """No permit was granted, so nothing may be sent to the provider."""

    retry_after: float | None = None
    """How many seconds to wait before a retry, if the server said so."""


class RefusedError(AcquireError):
    """The server refused the request."""

    def __init__(self, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(reason, message, retry_after)
        self.reason = reason
        """The reason by its name, such as `WINDOW_EXHAUSTED`. Empty if the server gave none."""
        self.message = message
        """A human-readable description."""
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"refused ({self.reason or 'no reason given'}): {self.message}"


class UnreachableError(AcquireError):
    """No server was reached in time, or none could serve."""


class PermitTimeoutError(AcquireError, TimeoutError):
    """No permit became available in time, and the server, which is reachable, gave no reason."""


class ClosedError(AcquireError):
    """The client is closed."""


class InvalidResponseError(AcquireError):
    """The server sent what the contract does not allow."""
