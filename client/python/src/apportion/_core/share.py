"""Permits that a client grants by itself while no server is reachable, if it is configured to."""

from __future__ import annotations

from dataclasses import dataclass

from .span import SECOND

LIFE_MAX_NS = 2 * SECOND
"""The longest life of a local lease. A short one makes its permits free again early."""


@dataclass
class ShareGrant:
    """Permits of a share that were granted together."""

    permits: int
    end: int
    free_at: int

    def give_back(self, unused: int) -> None:
        """Gives back permits that will not be used."""
        self.permits = max(self.permits - unused, 0)


class LocalShare:
    """At most so many permits in any span as long as a window.

    The provider's windows are not known, so every span counts. A permit is free again one window after its lease ended, which is
    after its latest possible use. One that comes back unused is free at once.
    """

    def __init__(self, permits: int, window_ns: int) -> None:
        self._permits = permits
        self._window_ns = window_ns
        self._grants: list[ShareGrant] = []

    def take(self, now: int, most: int, least: int) -> ShareGrant | None:
        """Grants up to `most` permits. None if fewer than `least` are free."""
        self._grants = [grant for grant in self._grants if now < grant.free_at and grant.permits > 0]
        permits = min(most, self._permits - sum(grant.permits for grant in self._grants))
        if permits < max(least, 1):
            return None
        end = now + min(self._window_ns // 4, LIFE_MAX_NS)
        grant = ShareGrant(permits, end, end + self._window_ns)
        self._grants.append(grant)
        return grant
