"""Callers that wait for the engine: on a thread, or in a task of an event loop."""

from __future__ import annotations

import asyncio
import copy
import queue
from typing import Generic, TypeVar

from apportion.errors import AcquireError

T = TypeVar("T")


class Waiter(Generic[T]):
    """One caller. The engine answers it once, under its lock, and so does the caller leave."""

    def __init__(self) -> None:
        self.is_gone = False
        self._result: T | None = None
        self._error: AcquireError | None = None

    def grant(self, result: T) -> bool:
        """Hands over the result. False if the caller is gone."""
        if self.is_gone:
            return False
        self._result = result
        if not self._wake():
            self.is_gone, self._result = True, None
            return False
        return True

    def fail(self, error: AcquireError) -> None:
        """Fails the caller."""
        if not self.is_gone:
            self._error = error
            self._wake()

    def leave(self) -> T | None:
        """Notes that the caller is gone. Returns what it was handed and did not take."""
        self.is_gone = True
        result, self._result = self._result, None
        return result

    def _take(self) -> T:
        if self._error is not None:
            raise copy.copy(self._error)  # Several callers may share it, and each has a traceback of its own.
        result, self._result = self._result, None
        assert result is not None
        return result

    def _wake(self) -> bool:
        raise NotImplementedError


class ThreadWaiter(Waiter[T]):
    """A caller that blocks its thread."""

    def __init__(self) -> None:
        super().__init__()
        self._slot: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wait(self) -> T:
        """Blocks until there is an answer."""
        self._slot.get()
        return self._take()

    def _wake(self) -> bool:
        self._slot.put(None)
        return True


class TaskWaiter(Waiter[T]):
    """A caller that awaits in a task."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    async def wait(self) -> T:
        """Waits until there is an answer."""
        await self._future
        return self._take()

    def _wake(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._set)
        except RuntimeError:  # The loop is closed.
            return False
        return True

    def _set(self) -> None:
        if not self._future.done():
            self._future.set_result(None)
