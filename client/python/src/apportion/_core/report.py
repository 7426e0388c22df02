"""One report of how a lease was used."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from apportion.v1 import quota_service_pb2 as wire

from .span import MS, SECOND
from .timed import TimedObservation

OBSERVATIONS_MAX = 64
"""The most observations of one request, as the contract allows."""
WAITING_OBSERVATIONS_MAX = 1_024
"""The most observations that wait for one lease. Beyond, those go first that are no throttle."""
_THROTTLE_LIFE_NS = 60 * SECOND
_OBSERVATION_LIFE_NS = 10 * SECOND


class Urgency(enum.Enum):
    """How long a report waits for others, to be sent in one call with them, in nanoseconds."""

    USUAL = 50 * MS
    RETURNS = 20 * MS
    THROTTLE = 0


@dataclass
class LeaseReport:
    """The counts of one lease, which are cumulative, and the observations since its last report."""

    request: wire.SettleLeaseRequest
    lease_end: int
    observations: list[TimedObservation] = field(default_factory=list)

    def merge(self, later: LeaseReport) -> None:
        """Takes in a later report of the same lease, whose counts include those of this one."""
        self.request = later.request
        self.observations += later.observations
        excess = len(self.observations) - WAITING_OBSERVATIONS_MAX
        if excess > 0:
            usual = [seen for seen in self.observations if not seen.is_throttled]
            cut = set(map(id, usual[:excess]))
            kept = [seen for seen in self.observations if id(seen) not in cut]
            self.observations = kept[:WAITING_OBSERVATIONS_MAX]

    def is_useless(self, now: int) -> bool:
        """Whether nothing can be returned any more, and the observations are old."""
        return now >= self.lease_end and all(
            now >= seen.received_at + (_THROTTLE_LIFE_NS if seen.is_throttled else _OBSERVATION_LIFE_NS)
            for seen in self.observations
        )

    def requests(self, now: int) -> list[wire.SettleLeaseRequest]:
        """Returns the requests to send: the last bears the counts, those before it what does not fit into it."""
        sendable = [message for seen in self.observations if (message := seen.at(now)) is not None]
        parts = [sendable[at : at + OBSERVATIONS_MAX] for at in range(0, len(sendable), OBSERVATIONS_MAX)] or [[]]
        requests = []
        for part in parts:
            request = wire.SettleLeaseRequest()
            request.CopyFrom(self.request)
            request.is_final = self.request.is_final and part is parts[-1]
            request.observations.extend(part)
            requests.append(request)
        return requests
