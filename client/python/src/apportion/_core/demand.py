"""The number of permits taken recently."""

from __future__ import annotations

from .span import MS

RECENT_NS = 500 * MS
"""How long a taken permit counts as recent."""
_SLICES = 10
_SLICE_NS = RECENT_NS // _SLICES


class RecentDemand:
    """The permits taken in the last half second, in slices of 50 ms."""

    def __init__(self) -> None:
        self._slices = [0] * _SLICES
        self._latest = 0

    def record(self, now: int, taken: int = 1) -> None:
        """Counts permits that are taken at `now`."""
        if now // _SLICE_NS > self._latest:
            self._advance(now)
        self._slices[self._latest % _SLICES] += taken

    def recent(self, now: int) -> int:
        """Returns the permits taken in the last half second, or up to one slice less."""
        self._advance(now)
        return sum(self._slices)

    def forecast(self, now: int, horizon_ns: int) -> int:
        """Returns the permits that will be taken within the horizon at the recent rate: rounded down, at most those taken."""
        return self.recent(now) * min(horizon_ns, RECENT_NS) // RECENT_NS

    def _advance(self, now: int) -> None:
        latest = max(now // _SLICE_NS, self._latest)
        for back in range(min(latest - self._latest, _SLICES)):
            self._slices[(latest - back) % _SLICES] = 0
        self._latest = latest
