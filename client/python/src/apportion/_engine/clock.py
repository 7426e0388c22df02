"""The clock that leases are measured on: monotonic, and it continues while the machine sleeps."""

from __future__ import annotations

import sys
import time

if sys.platform == "linux":
    import functools

    now = functools.partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
else:
    # CLOCK_MONOTONIC continues during sleep on macOS, and so does the performance counter on Windows.
    now = time.monotonic_ns
