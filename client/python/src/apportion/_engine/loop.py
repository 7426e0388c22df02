"""The background thread of a client: it handles events in order, fires timers, and ends when it is told to."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

from apportion._core.span import seconds

from . import clock
from .schedule import Schedule

Event = Callable[[int], None]
"""Is given the time, with the lock held."""

_SLEEP_MAX_S = 3_600.0
_EVENTS_MAX = 1_000
"""The most events that are handled before others may have the lock."""
_log = logging.getLogger("apportion")


class Turns(Protocol):
    """What a loop drives. It is called with the lock held."""

    def turn(self, now: int) -> None:
        """Decides what is to be done, after all events that have arrived."""

    def next_at(self, now: int) -> int | None:
        """Returns when the next turn is due, if no event arrives before."""

    def is_done(self) -> bool:
        """Whether the loop may end."""

    def ended(self) -> None:
        """Is called once, at the end, without the lock."""


class Loop:
    """Events, timers and the thread, which starts with the first event."""

    def __init__(self, turns: Turns) -> None:
        self.lock = threading.Lock()
        self.schedule = Schedule()
        self._turns = turns
        self._inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        self._is_woken = False
        self.has_ended = False
        """Whether no turn follows."""

    def post(self, event: Event) -> None:
        """Hands an event to the thread."""
        self._inbox.put(event)
        if self._thread is None:
            with self._start_lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="apportion", daemon=True)
                    thread.start()
                    self._thread = thread
        if self.has_ended:
            self._handle_rest()

    def post_from_finalizer(self, event: Event) -> None:
        """Hands an event to the thread, if that runs. Takes no lock: a finalizer may run anywhere."""
        self._inbox.put(event)

    def wake(self) -> None:
        """Makes the thread take a turn. For callers with the lock."""
        if not self._is_woken and not self.has_ended:
            self._is_woken = True
            self.post(_nothing)

    def join(self, timeout_s: float) -> None:
        """Waits for the end of the thread."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def die(self) -> None:
        """Notes that this is the child of a fork, which has neither the thread nor whoever held the lock."""
        self.lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._thread = threading.current_thread()

    def _run(self) -> None:
        is_done = False
        while not is_done:
            with self.lock:
                wait_s = self._wait_s(clock.now())
            events = self._arrived(wait_s)
            with self.lock:
                self._is_woken = False
                now = clock.now()
                for event in [*events, *self.schedule.due(now), self._turns.turn]:
                    _safely(event, now)
                effects = self.schedule.effects()
                is_done = self.has_ended = not effects and self._turns.is_done()
            for effect in effects:
                effect()
        self._turns.ended()
        self._handle_rest()

    def _wait_s(self, now: int) -> float | None:
        times = [at for at in (self.schedule.next_at(), self._turns.next_at(now)) if at is not None]
        return min(max(seconds(min(times) - now), 0.0), _SLEEP_MAX_S) if times else None

    def _arrived(self, wait_s: float | None) -> list[Event]:
        events: list[Event] = []
        try:
            events.append(self._inbox.get(timeout=wait_s))
            while len(events) < _EVENTS_MAX:
                events.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return events

    def _handle_rest(self) -> None:
        """Handles what arrives after the end, so that nobody waits for nothing."""
        for event in self._arrived(0.0):
            with self.lock:
                _safely(event, clock.now())


def _nothing(_: int) -> None:
    pass


def _safely(event: Event, now: int) -> None:
    try:
        event(now)
    except Exception:
        _log.exception("an event failed unexpectedly")
