"""What the protocol says, as arguments and results of the library."""

from __future__ import annotations

import math
from typing import Any

import driver_pb2 as wire

import apportion


class UnsupportedError(Exception):
    """The driver or the library cannot do this."""


def settings(connect: wire.Connect) -> dict[str, Any]:
    """Returns the arguments of `connect` that are set."""
    if connect.settings:
        raise UnsupportedError("settings: " + ", ".join(connect.settings))
    arguments: dict[str, Any] = {"addresses": list(connect.addresses)}
    for name in ("workspace", "team", "caller", "token", "token_file", "insecure"):
        if getattr(connect, name):
            arguments[name] = getattr(connect, name)
    if connect.HasField("tls"):
        tls = connect.tls
        arguments["tls"] = apportion.Tls.from_files(
            certificate_authority=tls.certificate_authority_file or None,
            certificate=tls.certificate_file or None,
            key=tls.key_file or None,
            server_name=tls.server_name or None,
        )
    if connect.HasField("fallback"):
        arguments["fallback"] = _fallback(connect.fallback)
    for name in ("connect_timeout", "close_timeout"):
        if connect.HasField(f"{name}_ms"):  # type: ignore[arg-type]
            arguments[name] = getattr(connect, f"{name}_ms") / 1000
    return arguments


def _fallback(fallback: wire.Fallback) -> apportion.Fallback:
    kind = fallback.WhichOneof("fallback")
    if kind == "share":
        return apportion.Share(fallback.share.permits, fallback.share.window_ms / 1000)
    return apportion.Wait() if kind == "wait" else apportion.Deny()


def wait(ask: wire.Ask) -> dict[str, Any]:
    """Returns the priority and the longest wait, if they are set."""
    arguments: dict[str, Any] = {}
    if ask.priority:
        arguments["priority"] = ask.priority
    if ask.HasField("max_wait_ms"):
        arguments["max_wait"] = ask.max_wait_ms / 1000
    return arguments


def lease(ask: wire.Ask) -> dict[str, Any]:
    """Returns the arguments of `acquire` that are set."""
    arguments = wait(ask)
    if ask.HasField("permits"):
        arguments["permits"] = ask.permits
    if ask.HasField("min_permits"):
        arguments["min_permits"] = ask.min_permits
    return arguments


def prefetch(message: wire.Prefetch) -> dict[str, Any]:
    """Returns the arguments of `prefetch` that are set."""
    arguments = wait(message.ask)
    for name in ("horizon", "idle_timeout"):
        if message.HasField(f"{name}_ms"):  # type: ignore[arg-type]
            arguments[name] = getattr(message, f"{name}_ms") / 1000
    if message.HasField("max_permits"):
        arguments["max_permits"] = message.max_permits
    return arguments


def grant(held: apportion.Permit | apportion.Lease) -> wire.Grant:
    """Describes what was granted."""
    permits = held.permits if isinstance(held, apportion.Lease) else 1
    return wire.Grant(
        permits=permits,
        priority=held.priority,
        valid_for_ms=int(held.valid_for * 1000),
        contended=held.is_contended,
        count=1,
    )


def observation(seen: wire.Observation) -> apportion.Observation:
    """Returns an observation made by hand."""

    def whole(name: str) -> int | None:
        return int(getattr(seen, name)) if seen.HasField(name) else None  # type: ignore[arg-type]

    return apportion.Observation(
        limit=seen.limit,
        status=seen.status,
        limit_permits=whole("limit_permits"),
        remaining_permits=whole("remaining_permits"),
        reset_time_ns=whole("reset_time_unix_ns"),
        reset_after_ns=whole("reset_after_ns"),
        reset_precision_ns=whole("reset_precision_ns"),
        throttled=seen.throttled,
        retry_after_ns=whole("retry_after_ns"),
        age_ns=(whole("age_ms") or 0) * 1_000_000,
    )


def observed(seen: apportion.Observation) -> wire.Observation:
    """Describes an observation."""
    return wire.Observation(
        limit=seen.limit,
        status=seen.status,
        limit_permits=seen.limit_permits,
        remaining_permits=seen.remaining_permits,
        reset_time_unix_ns=seen.reset_time_ns,
        reset_after_ns=seen.reset_after_ns,
        reset_precision_ns=seen.reset_precision_ns,
        throttled=seen.throttled,
        retry_after_ns=seen.retry_after_ns,
    )


def failure(error: BaseException) -> wire.Failure:
    """Describes an error."""
    found = wire.Failure(message=str(error), type=f"{type(error).__module__}.{type(error).__qualname__}")
    found.kind = _kind(error)
    if isinstance(error, apportion.RefusedError):
        found.reason = error.reason
    if isinstance(error, apportion.AcquireError) and error.retry_after is not None:
        found.retry_after_ms = math.ceil(error.retry_after * 1000)
    return found


_KINDS = (
    (UnsupportedError, wire.Failure.KIND_UNSUPPORTED),
    (apportion.RefusedError, wire.Failure.KIND_REFUSED),
    (apportion.UnreachableError, wire.Failure.KIND_UNREACHABLE),
    (apportion.PermitTimeoutError, wire.Failure.KIND_TIMED_OUT),
    (apportion.InvalidResponseError, wire.Failure.KIND_INVALID_RESPONSE),
    (apportion.ConfigError, wire.Failure.KIND_CONFIG),
    (apportion.ClosedError, wire.Failure.KIND_CLOSED),
)


def _kind(error: BaseException) -> wire.Failure.Kind.ValueType:
    if type(error).__name__ == "CancelledError":
        return wire.Failure.KIND_CANCELLED
    return next((kind for known, kind in _KINDS if isinstance(error, known)), wire.Failure.KIND_OTHER)
