"""The client for asyncio. It may be used from any event loop, also from several."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

from ._client.ask import HORIZON_S, IDLE_TIMEOUT_S, MAX_WAIT_S, PREFETCH_MAX, checked_ask, checked_options
from ._client.client import BaseClient
from ._client.connect import remote
from ._client.prefetch import BasePrefetch
from ._core.acquire import Ask
from ._core.lease import Identity, LeaseState
from ._core.span import Seconds, nanos
from ._engine import clock
from ._engine.waiter import TaskWaiter
from .errors import ClosedError, PermitTimeoutError
from .fallback import Deny, Fallback
from .permit import Lease, Permit
from .response import Reader
from .settings import Tls, checked

__all__ = ["OnDemand", "Pending", "Prefetch", "Quota", "connect"]

T = TypeVar("T")
_DENY = Deny()
H = TypeVar("H", bound="Permit | Lease")


class Pending(Generic[H]):
    """A permit or lease that is waited for: `await` it, or use it in an `async with` statement."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, H]]) -> None:
        self._start = start
        self._held: H | None = None

    def __await__(self) -> Generator[Any, None, H]:
        return self._start().__await__()

    async def __aenter__(self) -> H:
        self._held = await self._start()
        return self._held

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._held is not None:
            self._held.done()


class _PendingPermit(Pending[Permit]):
    """A permit of a prefetch. Most are held ready, so it takes no coroutine to look."""

    def __init__(
        self,
        take: Callable[[], Permit | None],
        wait: Callable[[Seconds | None], Coroutine[Any, Any, Permit]],
        max_wait: Seconds | None,
    ) -> None:
        self._take = take
        self._wait = wait
        self._max_wait = max_wait
        self._held = None

    def __await__(self) -> Generator[Any, None, Permit]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> Permit:
        held = self._take()
        if held is None:
            held = await self._wait(self._max_wait)
        self._held = held
        return held


def connect(
    addresses: str | Sequence[str] = "http://127.0.0.1:7420",
    *,
    workspace: str = "",
    team: str = "",
    caller: str = "",
    token: str | None = None,
    token_file: str | os.PathLike[str] | None = None,
    tls: Tls | None = None,
    insecure: bool = False,
    fallback: Fallback = _DENY,
    reader: Reader | None = None,
    connect_timeout: Seconds = 1.0,
    close_timeout: Seconds = 2.0,
) -> Quota:
    """Creates a client for the servers at `addresses`. The arguments are those of `apportion.connect`.

    Raises:
        ConfigError: if a setting is invalid.
    """
    settings = checked(
        addresses,
        identity=Identity(workspace, team, caller),
        token=token,
        token_file=token_file,
        tls=tls,
        insecure=insecure,
        fallback=fallback,
        connect_timeout=connect_timeout,
        close_timeout=close_timeout,
    )
    return Quota(settings, remote(settings), reader)


class Prefetch(BasePrefetch):
    """Permits of one priority that are held ready. `Quota.prefetch` creates it."""

    def permit(self, *, max_wait: Seconds | None = None) -> Pending[Permit]:
        """Takes a permit, and waits for it if none is held. Callers are served first come, first served.

        Raises:
            AcquireError: if the server refuses it or cannot be reached, or if none becomes available in time.
        """
        return _PendingPermit(self._take, self._wait, max_wait)

    async def _wait(self, max_wait: Seconds | None) -> Permit:
        max_wait_ns = self._max_wait_ns if max_wait is None else nanos(max_wait, "max_wait")
        since = clock.now()
        while True:
            waiter: TaskWaiter[LeaseState] = TaskWaiter()
            position = self._enter(waiter, since, max_wait_ns)
            try:
                with self.engine.waiting("permit", self._priority, 1):
                    lease = await waiter.wait()
            except BaseException:
                self._leave(waiter, position)
                raise
            permit = self._accepted(lease)
            if permit is not None:
                return permit


class OnDemand:
    """Permits that take a call each. `Quota.on_demand` creates it."""

    def __init__(self, quota: Quota, priority: str | None, max_wait: Seconds) -> None:
        self.reader = quota.reader
        self._quota = quota
        self._ask = checked_ask(1, None, priority, max_wait)

    def permit(self) -> Pending[Permit]:
        """Takes a permit, and waits for it.

        Raises:
            AcquireError: if the server refuses it or cannot be reached in time.
        """
        return Pending(self._permit)

    async def _permit(self) -> Permit:
        quota, ask = self._quota, self._ask
        deadline = clock.now() + ask.max_wait_ns
        while True:
            lease = await quota.acquire_state(ask)
            with quota.engine.loop.lock:
                now = clock.now()
                if lease.take(now):
                    return Permit(quota, lease)
                lease.finish()
            if now >= deadline:
                raise PermitTimeoutError("every lease arrived after its end")
            ask = Ask(1, None, ask.priority, deadline - now)


class Quota(BaseClient[Prefetch]):
    """A client of the quota service, for any number of tasks. `connect` creates it."""

    def permit(self, *, priority: str | None = None, max_wait: Seconds = MAX_WAIT_S) -> Pending[Permit]:
        """Takes one permit, and waits for it up to `max_wait` seconds. Use it in an `async with` statement.

        Permits are held ready in small numbers, as demand suggests, so that most take no call.

        Raises:
            AcquireError: if the server refuses it or cannot be reached, or if none becomes available in time.
        """
        return self._of_priority(priority).permit(max_wait=max_wait)

    def on_demand(self, *, priority: str | None = None, max_wait: Seconds = MAX_WAIT_S) -> OnDemand:
        """Returns a source of permits that are not held ready: each takes a call when it is needed."""
        return OnDemand(self, priority, max_wait)

    def try_permit(self, *, priority: str | None = None) -> Permit | None:
        """Takes a permit without waiting. If none is held, returns None and requests one for a later call."""
        return self._of_priority(priority).try_permit()

    async def run(self, send: Callable[[], Awaitable[T]], *, priority: str | None = None, max_wait: Seconds = MAX_WAIT_S) -> T:
        """Takes a permit, awaits `send()`, and returns its result."""
        async with self.permit(priority=priority, max_wait=max_wait):
            return await send()

    def acquire(
        self,
        permits: int = 1,
        *,
        min_permits: int | None = None,
        priority: str | None = None,
        max_wait: Seconds = MAX_WAIT_S,
    ) -> Pending[Lease]:
        """Requests a lease of several permits, and waits for it up to `max_wait` seconds. Use it in an `async with` statement.

        Raises:
            AcquireError: if the server refuses it or cannot be reached in time.
        """
        ask = checked_ask(permits, min_permits, priority, max_wait)

        async def start() -> Lease:
            return Lease(self, await self.acquire_state(ask))

        return Pending(start)

    def prefetch(
        self,
        *,
        priority: str | None = None,
        max_wait: Seconds = MAX_WAIT_S,
        horizon: Seconds = HORIZON_S,
        idle_timeout: Seconds = IDLE_TIMEOUT_S,
        max_permits: int = PREFETCH_MAX,
    ) -> Prefetch:
        """Creates a prefetch with other options than that of `permit`. The arguments are those of `apportion.Quota.prefetch`."""
        ask = checked_ask(1, None, priority, max_wait)
        options = checked_options(horizon, idle_timeout, max_permits)
        prefetch = Prefetch(self.engine, self.reader, options, ask.priority, ask.max_wait_ns)
        self._prefetches.add(prefetch)
        return prefetch

    async def flush(self, timeout: Seconds = 5.0) -> bool:
        """Sends the reports that are queued, and waits until they are. False if that took longer than the timeout."""
        waiter: TaskWaiter[bool] = TaskWaiter()
        with self.engine.loop.lock:
            self.engine.flush(clock.now(), waiter, nanos(timeout, "timeout"))
        return await waiter.wait()

    async def close(self) -> bool:
        """Gives everything back, and ends the connections, the thread and all waits. Takes `close_timeout` at most.

        Returns False if something could not be reported in time.
        """
        waiter: TaskWaiter[bool] = TaskWaiter()
        with self.engine.loop.lock:
            self.engine.close(clock.now(), waiter, self.settings.close_timeout_ns)
        is_done = await waiter.wait()
        if not self.engine.has_open_leases():
            self.engine.loop.join(0.1)  # It has closed its connections, and ends now.
        return is_done

    async def __aenter__(self) -> Quota:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def _of_priority(self, priority: str | None) -> Prefetch:
        prefetch = self._by_priority.get(priority or "")
        if prefetch is None:
            prefetch = self._by_priority.setdefault(priority or "", self.prefetch(priority=priority))
        return prefetch

    async def acquire_state(self, ask: Ask) -> LeaseState:
        """Acquires a lease. For the parts of this package."""
        engine = self.engine
        waiter: TaskWaiter[LeaseState] = TaskWaiter()
        with engine.loop.lock:
            if engine.is_closed:
                raise ClosedError("the client is closed")
            operation = engine.acquire(clock.now(), ask, waiter)
        try:
            with engine.waiting("acquire", ask.priority, ask.permits):
                return await waiter.wait()
        except BaseException:
            with engine.loop.lock:
                engine.abandon(clock.now(), operation, waiter)
            raise
