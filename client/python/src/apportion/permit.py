"""What a service holds while it sends: a permit, or a lease of several."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeVar

from ._core.lease import LeaseState
from ._core.span import seconds
from ._core.timed import TimedObservation
from ._engine import clock
from .observation import Observation
from .response import Reader, Response

if TYPE_CHECKING:
    from ._engine.engine import Engine

__all__ = ["Lease", "Permit"]

_log = logging.getLogger("apportion")
_Self = TypeVar("_Self", bound="_Held")


class Origin(Protocol):
    """Where a permit was taken from."""

    engine: Engine
    reader: Reader

    def put_back(self, now: int, lease: LeaseState) -> None:
        """Takes back a permit in use that was not used, with the lock held."""


class _Held:
    """What permits and leases have in common. Leaving its scope, with an exception or not, counts as used."""

    __slots__ = ("_engine", "_is_done", "_lease", "_origin")

    def __init__(self, origin: Origin, lease: LeaseState) -> None:
        self._origin = origin
        self._engine = origin.engine
        self._lease = lease
        self._is_done = False

    @property
    def valid_for(self) -> float:
        """How many seconds a request may still be sent. 0 at and after the end."""
        return seconds(max(self._lease.end - clock.now(), 0))

    @property
    def priority(self) -> str:
        """The priority that it was granted at, which may be lower than requested. Empty if it is not known."""
        return self._lease.priority

    @property
    def is_contended(self) -> bool:
        """Whether other requests were waiting at the server. If so, take only what is needed now."""
        return self._lease.is_contended

    def observe(self, observation: Observation) -> None:
        """Reports what a response of the provider said, for readers of other formats.

        A throttle is reported at once, and permits that are held ahead are given up then. The rest is sent with later reports.
        """
        now = clock.now()
        seen = TimedObservation.of(observation, now)
        if seen is None:
            _log.warning("an observation of the limit %r is left out: there can be no such limit", observation.limit)
            return
        with self._engine.loop.lock:
            self._lease.observe(seen)
            if seen.is_throttled:
                self._engine.throttled()

    def observe_response(
        self, status: int, headers: Iterable[tuple[str, str]] | Mapping[str, str], body: bytes | None = None
    ) -> None:
        """Reports what a response of the provider said, as the client's reader reads it. HTTP hooks do this by themselves."""
        try:
            read = self._origin.reader(Response.of(status, headers, body))
        except Exception:
            _log.exception("the reader of responses failed")
            return
        for observation in (read,) if isinstance(read, Observation) else read or ():
            self.observe(observation)

    def done(self) -> None:
        """Ends the scope: what was taken counts as used, and what was not taken goes back. Does nothing if it has ended."""
        if not self._is_done:
            self._is_done = True
            with self._engine.loop.lock:
                self._leave()

    def _leave(self) -> None:
        raise NotImplementedError

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.done()

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.done()

    def __del__(self) -> None:
        # No lock may be taken here: the collector runs anywhere.
        if not getattr(self, "_is_done", True):
            lease = self._lease
            self._engine.loop.post_from_finalizer(lambda _: self._left_behind(lease))

    @staticmethod
    def _left_behind(lease: LeaseState) -> None:
        raise NotImplementedError


class Permit(_Held):
    """The right to send one request to the provider, now.

    It counts as used when its scope is left. `put_back` says that nothing was sent.
    """

    __slots__ = ()

    def put_back(self) -> None:
        """Gives the permit back, because the request was certainly not sent. Another caller may have it then."""
        if not self._is_done:
            self._is_done = True
            with self._engine.loop.lock:
                self._origin.put_back(clock.now(), self._lease)

    def _leave(self) -> None:
        self._lease.done()

    @staticmethod
    def _left_behind(lease: LeaseState) -> None:
        lease.done()

    def __repr__(self) -> str:
        return f"<apportion.Permit valid_for={self.valid_for:.3f} done={self._is_done}>"


class Lease(_Held):
    """Permits that were granted together, and are valid until the lease ends.

    Leaving its scope returns those that were not taken. Those that were taken count as used.
    """

    __slots__ = ()

    @property
    def permits(self) -> int:
        """The permits of the lease."""
        return self._lease.permits

    @property
    def left(self) -> int:
        """The permits that are not taken yet."""
        return self._lease.left

    def take(self) -> bool:
        """Takes one permit. True if one request may be sent now; False if no permit is left or the lease has ended.

        Call it as late as possible, once for each attempt on the wire.
        """
        if self._is_done:
            return False
        with self._engine.loop.lock:
            return self._lease.take(clock.now())

    def put_back(self) -> None:
        """Puts back a permit that was taken, because the request was certainly not sent. It can be taken again."""
        if not self._is_done:
            with self._engine.loop.lock:
                self._lease.put_back()

    def _leave(self) -> None:
        self._lease.finish()

    @staticmethod
    def _left_behind(lease: LeaseState) -> None:
        lease.finish()

    def __repr__(self) -> str:
        return f"<apportion.Lease {self.left} of {self.permits} left valid_for={self.valid_for:.3f}>"
