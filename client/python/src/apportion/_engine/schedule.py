"""What the engine's thread is to do: at a time, or as soon as it has released its lock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

_COMPACTED_ABOVE = 256


class Timer:
    """Something that is to be done at a time, with the lock held."""

    def __init__(self, action: Callable[[int], None], schedule: Schedule) -> None:
        self.action: Callable[[int], None] | None = action
        self._schedule = schedule

    def cancel(self) -> None:
        """Forgets it."""
        if self.action is not None:
            self.action = None
            self._schedule.cancelled()


class Schedule:
    """Timers, and effects: calls to make."""

    def __init__(self) -> None:
        self._timers: list[tuple[int, int, Timer]] = []
        self._later: list[Callable[[], object]] = []
        self._numbers = itertools.count()
        self._cancelled = 0

    def at(self, due_at: int, action: Callable[[int], None]) -> Timer:
        """Does something at a time, with the lock held."""
        timer = Timer(action, self)
        heapq.heappush(self._timers, (due_at, next(self._numbers), timer))
        return timer

    def later(self, effect: Callable[[], object]) -> None:
        """Does something that may block for a moment, without the lock."""
        self._later.append(effect)

    def next_at(self) -> int | None:
        """Returns when the next timer is due."""
        while self._timers and self._timers[0][2].action is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def due(self, now: int) -> list[Callable[[int], None]]:
        """Takes the actions that are due."""
        actions = []
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.action is not None:
                actions.append(timer.action)
                timer.action = None
        return actions

    def effects(self) -> list[Callable[[], object]]:
        """Takes the effects."""
        effects, self._later = self._later, []
        return effects

    def cancelled(self) -> None:
        """Notes that a timer was cancelled, and drops all such timers when they are many."""
        self._cancelled += 1
        if self._cancelled > max(len(self._timers) // 2, _COMPACTED_ABOVE):
            self._timers = [entry for entry in self._timers if entry[2].action is not None]
            heapq.heapify(self._timers)
            self._cancelled = 0
