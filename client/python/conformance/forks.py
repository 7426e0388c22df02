"""Forked processes of the driver for threads, and the pipes to them."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import driver_pb2 as wire
from frames import Frames

if TYPE_CHECKING:
    from blocking import Driver


class Children:
    """The forked processes by number."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._children: dict[int, tuple[int, Frames]] = {}

    def fork(self, number: int) -> None:
        """Forks. The child continues with the loop of the driver, on pipes."""
        requests, responses = os.pipe(), os.pipe()
        process = os.fork()
        if process == 0:
            os.close(requests[1])
            os.close(responses[0])
            from blocking import in_child

            in_child(self._driver, Frames(requests[0], responses[1]))
        os.close(requests[0])
        os.close(responses[1])
        frames = Frames(responses[0], requests[1])
        self._children[number] = (process, frames)
        threading.Thread(target=self._return, args=(frames,), name="driver-child", daemon=True).start()

    def pass_on(self, request: wire.DriverRequest) -> None:
        """Passes a request on to its process."""
        process = self._children.get(request.process)
        request.process = 0
        if process is not None:
            process[1].write(request.SerializeToString())

    def end(self) -> None:
        """Ends all processes."""
        children, self._children = self._children, {}
        for process, frames in children.values():
            frames.close_writes()
            os.waitpid(process, 0)

    def _return(self, frames: Frames) -> None:
        while (message := frames.read()) is not None:
            self._driver.frames.write(message)
        frames.close_reads()
