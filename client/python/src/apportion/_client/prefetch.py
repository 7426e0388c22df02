"""The part of a prefetch that does not wait."""

from __future__ import annotations

from apportion._core.lease import LeaseState
from apportion._core.prefetch import PrefetchOptions
from apportion._core.queue import QueuedCaller
from apportion._engine import clock
from apportion._engine.engine import Engine
from apportion._engine.waiter import Waiter
from apportion.errors import ClosedError
from apportion.permit import Permit
from apportion.response import Reader


class BasePrefetch:
    """Permits of one priority that are held ready, judging by the demand of the last half second."""

    def __init__(self, engine: Engine, reader: Reader, options: PrefetchOptions, priority: str, max_wait_ns: int) -> None:
        self.engine = engine
        self.reader = reader
        self._options = options
        self._priority = priority
        self._max_wait_ns = max_wait_ns
        self.start_anew(engine)

    def start_anew(self, engine: Engine) -> None:
        """Creates what is held, in this process."""
        self.engine = engine
        with engine.loop.lock:
            self._refill = engine.add_refill(self._options, self._priority)

    def try_permit(self) -> Permit | None:
        """Takes a permit without waiting. If none is held, returns None and requests one for a later call."""
        permit = self._take()
        if permit is None:
            with self.engine.loop.lock:
                self._refill.state.miss()
                self.engine.loop.wake()
        return permit

    def close(self) -> None:
        """Returns what is held, and fails who waits. The client does the same for all its prefetches."""
        with self.engine.loop.lock:
            self.engine.remove_refill(self._refill, clock.now())

    def put_back(self, now: int, lease: LeaseState) -> None:
        """Takes back a permit, with the lock held."""
        self._refill.state.put_back(now, lease)

    def _take(self) -> Permit | None:
        engine = self.engine
        with engine.loop.lock:
            lease = self._refill.state.take(clock.now())
            if lease is None:
                return None
            if lease.left == 0 or lease.left == lease.low_mark:
                engine.loop.wake()
        return Permit(self, lease)

    def _enter(self, waiter: Waiter[LeaseState], since: int, max_wait_ns: int) -> int:
        """Queues a caller, and returns its position."""
        engine = self.engine
        with engine.loop.lock:
            if self._refill.is_closed:
                raise ClosedError("the client is closed")
            fail_at = engine.fail_at(since, max_wait_ns)
            position = self._refill.state.enter(clock.now(), QueuedCaller(waiter, since, since + max_wait_ns, fail_at))
            engine.loop.wake()
        return position

    def _leave(self, waiter: Waiter[LeaseState], position: int) -> None:
        """Ends the wait of a caller that is gone. What it was handed goes to the next."""
        with self.engine.loop.lock:
            self._refill.state.queue.leave(position)
            lease = waiter.leave()
            if lease is not None:
                self._refill.state.put_back(clock.now(), lease)
            self.engine.loop.wake()

    def _accepted(self, lease: LeaseState) -> Permit | None:
        """Returns the permit that was handed over, unless it expired on the way."""
        if clock.now() < lease.end:
            return Permit(self, lease)
        with self.engine.loop.lock:
            lease.put_back()
        return None
