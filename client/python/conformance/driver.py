"""The driver of the conformance suite for the Python client: `driver.py` for threads, `driver.py --aio` for asyncio."""

from __future__ import annotations

import os
import sys

import blocking
import tasks
from frames import Frames


def main() -> None:
    """Answers requests until the end of the input."""
    # What prints by mistake must not mix with the messages.
    frames = Frames(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    if sys.argv[1:] == ["--aio"]:
        tasks.run(frames)
    else:
        blocking.run(frames)
    os._exit(0)  # At the end of the input, without closing clients first.


if __name__ == "__main__":
    main()
