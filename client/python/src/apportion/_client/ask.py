"""Checks what a lease is requested with."""

from __future__ import annotations

from apportion._core.acquire import Ask
from apportion._core.prefetch import PrefetchOptions
from apportion._core.span import MS, Seconds, nanos

PRIORITIES = ("CRITICAL", "DEFAULT", "SHEDDABLE")
PERMITS_MAX = 1 << 28
MAX_WAIT_S = 10.0
"""How long a request waits by default."""
HORIZON_S = 0.25
IDLE_TIMEOUT_S = 0.2
PREFETCH_MAX = 500


def checked_ask(permits: int, min_permits: int | None, priority: str | None, max_wait: Seconds) -> Ask:
    """Returns what to request. Raises `ValueError` that names the argument, its value, and what it must be."""
    _check_count("permits", permits, PERMITS_MAX)
    if min_permits is not None:
        _check_count("min_permits", min_permits, permits)
    return Ask(permits, min_permits, checked_priority(priority), nanos(max_wait, "max_wait"))


def checked_options(horizon: Seconds, idle_timeout: Seconds, max_permits: int) -> PrefetchOptions:
    """Returns the options of a prefetch. Raises `ValueError`."""
    _check_count("max_permits", max_permits, PERMITS_MAX)
    return PrefetchOptions(min(nanos(horizon, "horizon"), 500 * MS), nanos(idle_timeout, "idle_timeout"), max_permits)


def checked_priority(priority: str | None) -> str:
    """Returns the priority, or empty for that of the team. Raises `ValueError`."""
    if priority is not None and priority not in PRIORITIES:
        raise ValueError(f"priority: must be one of {', '.join(PRIORITIES)}, and is {priority!r}")
    return priority or ""


def _check_count(name: str, count: int, most: int) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= most:
        raise ValueError(f"{name}: must be an integer from 1 to {most}, and is {count!r}")
