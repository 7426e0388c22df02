"""The threads that operations run on: as many as run at once, used again, since a start costs more than most operations."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Workers:
    """Starts a thread when all are busy. They are not waited for at the end of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle = 0
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def run(self, job: Callable[[], None]) -> None:
        """Runs a job beside all others."""
        with self._lock:
            is_new = self._idle == 0
            if not is_new:
                self._idle -= 1
        if is_new:
            threading.Thread(target=self._work, name="driver", daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            with self._lock:
                self._idle += 1
