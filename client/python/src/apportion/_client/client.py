"""The part of a client that does not wait."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from apportion._core.lease import LeaseState
from apportion._core.span import SECOND
from apportion._engine import clock
from apportion._engine.engine import Engine
from apportion._engine.service import Service
from apportion._engine.waiter import ThreadWaiter
from apportion.response import Reader
from apportion.settings import Settings
from apportion.signals import SignalsReader

from . import fork
from .prefetch import BasePrefetch

_AT_EXIT_NS = 2 * SECOND

P = TypeVar("P", bound=BasePrefetch)


class BaseClient(Generic[P]):
    """Holds the engine of this process, the prefetches, and the reader of responses."""

    def __init__(self, settings: Settings, connect: Callable[[], Service], reader: Reader | None) -> None:
        self.reader: Reader = SignalsReader() if reader is None else reader
        self.settings = settings
        self.engine = self._engine(connect)
        self._by_priority: dict[str, P] = {}
        self._prefetches: weakref.WeakSet[P] = weakref.WeakSet()
        fork.register(self)

    def counts(self) -> dict[str, int]:
        """Returns counts for diagnosis.

        They are the permits that are `held` ahead and `in_use`, the callers that are `waiting`, and the leases that are open
        (`open_leases`) or have a report that is not sent yet (`pending_reports`).
        """
        with self.engine.loop.lock:
            return self.engine.counts()

    @property
    def is_closed(self) -> bool:
        """Whether the client is closed."""
        return self.engine.is_closed

    def start_anew(self) -> None:
        """Drops everything that belongs to the parent process. Is called in the child of a fork."""
        former = self.engine
        is_closed = former.is_closed
        former.die()
        self.engine = self._engine(former.connect)
        self.engine.is_closed = is_closed
        for prefetch in self._prefetches:
            prefetch.start_anew(self.engine)

    def _engine(self, connect: Callable[[], Service]) -> Engine:
        reader = self.reader
        return Engine(self.settings, connect, reader if isinstance(reader, SignalsReader) and not reader.is_fixed else None)

    def put_back(self, now: int, lease: LeaseState) -> None:
        """Takes back the only permit of a lease, with the lock held."""
        del now
        lease.put_back()
        lease.finish()

    def close_at_exit(self) -> None:
        """Gives everything back, when the process ends without `close`."""
        waiter: ThreadWaiter[bool] = ThreadWaiter()
        timeout_ns = min(self.settings.close_timeout_ns, _AT_EXIT_NS)
        with self.engine.loop.lock:
            if self.engine.is_closed:
                return
            self.engine.close(clock.now(), waiter, timeout_ns)
        waiter.wait()

    def __del__(self) -> None:
        engine = getattr(self, "engine", None)
        if engine is not None and not engine.is_closed:
            engine.loop.post_from_finalizer(lambda now: engine.close(now, None, engine.settings.close_timeout_ns))


def _close_all() -> None:
    for client in fork.living():
        if isinstance(client, BaseClient):
            client.close_at_exit()


atexit.register(_close_all)
