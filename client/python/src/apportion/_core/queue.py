"""The callers that wait for a permit of one prefetch, first come, first served."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from apportion.errors import AcquireError

from .lease import LeaseState


class PermitWaiter(Protocol):
    """A caller that waits."""

    def grant(self, result: LeaseState) -> bool:
        """Hands over a permit that was taken from a lease. False if the caller is gone."""

    def fail(self, error: AcquireError) -> None:
        """Fails the caller."""


@dataclass(frozen=True)
class QueuedCaller:
    """A caller, since when it waits, how long it may, and when it is failed if it has no answer."""

    waiter: PermitWaiter
    since: int
    wait_until: int
    fail_at: int


class WaitQueue:
    """The waiting callers by position, which only grows."""

    def __init__(self) -> None:
        self._callers: dict[int, QueuedCaller] = {}
        self._by_wait: list[tuple[int, int]] = []
        self.next = 0
        """The position of the next caller to enter."""

    def __len__(self) -> int:
        return len(self._callers)

    def enter(self, caller: QueuedCaller) -> int:
        """Adds a caller, and returns its position."""
        position = self.next
        self._callers[position] = caller
        heapq.heappush(self._by_wait, (caller.wait_until, position))
        self.next += 1
        return position

    def leave(self, position: int) -> None:
        """Removes a caller."""
        self._callers.pop(position, None)

    def most_urgent(self) -> tuple[int, QueuedCaller] | None:
        """Returns the caller that may wait least, with its position."""
        while self._by_wait:
            position = self._by_wait[0][1]
            caller = self._callers.get(position)
            if caller is not None:
                return position, caller
            heapq.heappop(self._by_wait)
        return None

    def first_deadline(self) -> int | None:
        """Returns when the first caller is failed."""
        urgent = self.most_urgent()
        return None if urgent is None else urgent[1].fail_at

    def deliver(self, lease: LeaseState) -> bool:
        """Hands a permit that was taken to the first caller that is still there. False if there is none."""
        while self._callers:
            position = next(iter(self._callers))
            if self._callers.pop(position).waiter.grant(lease):
                return True
        return False

    def fail(self, error: AcquireError, is_affected: Callable[[int, QueuedCaller], bool]) -> None:
        """Fails every caller that is affected."""
        affected = [position for position, caller in self._callers.items() if is_affected(position, caller)]
        for position in affected:
            self._callers.pop(position).waiter.fail(error)

    def fail_late(self, now: int, error: Callable[[], AcquireError]) -> None:
        """Fails the callers that have waited too long."""
        while (urgent := self.most_urgent()) is not None and urgent[1].fail_at <= now:
            self.leave(urgent[0])
            urgent[1].waiter.fail(error())
