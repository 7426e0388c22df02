"""Messages between the runner and a driver: each is preceded by its length in four bytes, big-endian."""

from __future__ import annotations

import os
import threading

import driver_pb2 as wire

_MESSAGE_MAX = 4 << 20


class Frames:
    """Two ends of pipes. Writes of several threads do not mix."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads = reads
        self._writes = writes
        self._lock = threading.Lock()

    def read(self) -> bytes | None:
        """Returns the next message. None at the end of the input."""
        head = self._exactly(4)
        if head is None:
            return None
        size = int.from_bytes(head, "big")
        if size > _MESSAGE_MAX:
            raise ValueError(f"a message of {size} bytes")
        return self._exactly(size)

    def read_request(self) -> wire.DriverRequest | None:
        """Returns the next request. None at the end of the input."""
        message = self.read()
        return None if message is None else wire.DriverRequest.FromString(message)

    def write(self, message: bytes) -> None:
        """Writes a message."""
        frame = memoryview(len(message).to_bytes(4, "big") + message)
        with self._lock:
            while frame:
                frame = frame[os.write(self._writes, frame) :]

    def close_writes(self) -> None:
        """Ends the input of the other side."""
        os.close(self._writes)

    def close_reads(self) -> None:
        """Closes the end that is read from."""
        os.close(self._reads)

    def _exactly(self, size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(self._reads, size - len(parts))
            if not part:
                return None
            parts += part
        return bytes(parts)
