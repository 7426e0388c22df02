"""The permits of one lease: each is left, in use, used, returned or spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apportion.v1 import quota_service_pb2 as wire

from .report import LeaseReport, Urgency
from .share import ShareGrant
from .span import MS
from .timed import TimedObservation

_OBSERVATION_WAIT_NS = 500 * MS
"""How long an observation waits at most, if another one follows then."""


class ReportSink(Protocol):
    """Where leases report to."""

    def report(self, report: LeaseReport, urgency: Urgency) -> None:
        """Queues a report."""

    def forget(self, lease: LeaseState) -> None:
        """Notes that a lease has made its last report."""


@dataclass(frozen=True)
class Identity:
    """Whom leases are granted to."""

    workspace: str = ""
    team: str = ""
    caller: str = ""


class LeaseState:
    """The counts of one lease. No permit can be taken at or after its end."""

    def __init__(self, sink: ReportSink, permits: int, end: int, priority: str, *, is_contended: bool) -> None:
        self.sink = sink
        self.permits = permits
        self.end = end
        self.priority = priority
        self.is_contended = is_contended
        self.left = permits
        self.in_use = 0
        self.low_mark = 0
        """The number of permits left at which a refill is due."""
        self.is_final = False
        self.signals_version = 0
        self._used = 0
        self.returned = 0
        self._is_open = True
        self._share: ShareGrant | None = None
        self._request: wire.SettleLeaseRequest | None = None
        self._observations: list[TimedObservation] = []

    def granted_by_server(self, identity: Identity, lease_id: str, signals_version: int) -> LeaseState:
        """Makes the lease report to the server."""
        self.signals_version = signals_version
        self._request = wire.SettleLeaseRequest(
            workspace=identity.workspace, team=identity.team, caller=identity.caller, lease_id=lease_id
        )
        return self

    def granted_locally(self, share: ShareGrant) -> LeaseState:
        """Makes the lease give back to a local share."""
        self._share = share
        return self

    @property
    def is_local(self) -> bool:
        """Whether no server knows of it."""
        return self._request is None

    def take(self, now: int) -> bool:
        """Takes one permit into use, unless none is left or the lease has ended."""
        if self.left == 0 or now >= self.end:
            return False
        self.left -= 1
        self.in_use += 1
        return True

    def done(self) -> None:
        """Notes that a permit in use was used."""
        if self.in_use > 0:
            self.in_use -= 1
            self._used += 1
            self._finish_if_empty()

    def put_back(self) -> None:
        """Puts back a permit in use that was not used. It can be taken again, or is returned if the others were."""
        if self.in_use == 0:
            return
        self.in_use -= 1
        if self._is_open:
            self.left += 1
        else:
            self._give_back(1)
            self._finish_if_empty()

    def return_up_to(self, most: int) -> int:
        """Returns up to so many permits that are left to the server, and says how many."""
        returned = min(most, self.left)
        self.left -= returned
        self._give_back(returned)
        return returned

    def return_all(self) -> None:
        """Returns what is left. Nothing can be taken any more; what is in use can still be put back."""
        self._is_open = False
        self.return_up_to(self.left)
        self._finish_if_empty()

    def spend(self) -> None:
        """Spends what is left: in a window in which the provider throttles it is useless to anyone."""
        self._is_open = False
        self.left = 0
        self._finish_if_empty()

    def observe(self, seen: TimedObservation) -> None:
        """Reports what a response said: a throttle at once, the rest in company."""
        if self._request is None:
            return
        self._observations.append(seen)
        if seen.is_throttled:
            self._report(Urgency.THROTTLE)
        elif self.is_final or seen.received_at >= self._observations[0].received_at + _OBSERVATION_WAIT_NS:
            self._report(Urgency.USUAL)

    def finish(self) -> None:
        """Ends the lease: what is in use counts as used, what is left is returned, and no report of counts follows."""
        self._used += self.in_use
        self.in_use = 0
        self.return_all()

    def die(self) -> None:
        """Makes the lease useless: it is that of another process."""
        self.left = self.in_use = 0
        self.is_final = True
        self._request = self._share = None

    def _give_back(self, unused: int) -> None:
        if unused == 0:
            return
        self.returned += unused
        if self._share is not None:
            self._share.give_back(unused)
        self._report(Urgency.RETURNS)

    def _finish_if_empty(self) -> None:
        if self.is_final or self.in_use > 0 or self.left > 0:
            return
        # While it is open, a lease of several permits that are all used has nothing left to say but this.
        self._is_open = False
        self.is_final = True
        self._report(Urgency.USUAL)
        self.sink.forget(self)

    def _report(self, urgency: Urgency) -> None:
        if self._request is None:
            return
        request = wire.SettleLeaseRequest()
        request.CopyFrom(self._request)
        # A report that only returns permits says nothing of those that may still be put back.
        request.used_permits = 0 if urgency is Urgency.RETURNS else self._used
        request.returned_permits = self.returned
        request.is_final = self.is_final
        observations, self._observations = self._observations, []
        self.sink.report(LeaseReport(request, self.end, observations), urgency)
