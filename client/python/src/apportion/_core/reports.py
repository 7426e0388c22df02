"""The reports that wait to be sent: merged by lease, until one of them is due."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from apportion.v1 import quota_service_pb2 as wire
from apportion.v1.lease_pb2 import Refusal
from apportion.v1.reason_pb2 import Reason

from .backoff import Backoff
from .failure import CallFailure
from .report import LeaseReport, Urgency
from .span import from_wire

WAITING_MAX = 100_000
"""The most leases whose reports wait. Further ones are dropped, and the permits that they return are spent."""
REQUESTS_MAX = 1_000
"""The most requests of one call, as the contract allows."""
BYTES_MAX = 512 << 10
"""The largest call, well below the 1 MiB that a server accepts unless it is configured otherwise."""
_TOO_MUCH = frozenset({"INVALID_ARGUMENT", "OUT_OF_RANGE", "RESOURCE_EXHAUSTED"})

_log = logging.getLogger("apportion")


@dataclass
class ReportBatch:
    """The reports of one call, with the number of requests of each."""

    reports: list[tuple[LeaseReport, int]] = field(default_factory=list)
    requests: list[wire.SettleLeaseRequest] = field(default_factory=list)


class PendingReports:
    """The waiting reports, oldest first, by lease."""

    def __init__(self) -> None:
        self._reports: dict[str, LeaseReport] = {}
        self._due_at: int | None = None
        self._paused_until = 0
        self._backoff = Backoff()
        self._requests_max = REQUESTS_MAX

    def __len__(self) -> int:
        return len(self._reports)

    def add(self, now: int, report: LeaseReport, urgency: Urgency) -> None:
        """Adds a report, or drops it with a warning if too many wait."""
        waiting = self._reports.get(report.request.lease_id)
        if waiting is not None:
            waiting.merge(report)
        elif len(self._reports) < WAITING_MAX:
            self._reports[report.request.lease_id] = report
        else:
            _log.warning("a lease report is dropped: %d are waiting", WAITING_MAX)
            return
        due_at = now + urgency.value
        self._due_at = due_at if self._due_at is None else min(self._due_at, due_at)

    def flush(self, now: int) -> None:
        """Makes all reports due at once."""
        if self._reports:
            self._due_at = self._paused_until = now

    def due_at(self) -> int | None:
        """Returns when the next call is due; None if nothing waits."""
        return None if self._due_at is None else max(self._due_at, self._paused_until)

    def take(self, now: int) -> ReportBatch | None:
        """Takes the reports of the next call, if it is due. The rest stays due."""
        due_at = self.due_at()
        if due_at is None or now < due_at:
            return None
        batch, size = ReportBatch(), 0
        for lease_id, report in list(self._reports.items()):
            requests = report.requests(now)
            size += sum(request.ByteSize() + 8 for request in requests)
            is_full = len(batch.requests) + len(requests) > self._requests_max or size > BYTES_MAX
            if is_full and batch.requests:
                break
            del self._reports[lease_id]
            batch.reports.append((report, len(requests)))
            batch.requests += requests
        if not self._reports:
            self._due_at = None
        return batch

    def answered(self, now: int, batch: ReportBatch, outcomes: list[wire.SettleOutcome]) -> None:
        """Notes the answer to a call, and keeps the reports that are to be sent again."""
        self._backoff = Backoff()
        self._requests_max = REQUESTS_MAX
        again, delay_ns, at = [], 0, 0
        for report, count in batch.reports:
            refusals = [outcome.refusal for outcome in outcomes[at : at + count] if outcome.HasField("refusal")]
            at += count
            if refusals and _is_repeated(report, refusals[-1]):
                again.append(report)
                delay_ns = max(delay_ns, from_wire(refusals[-1].retry_after))
        if again:
            self.pause(now, delay_ns)
            self.put_back(now, again)

    def failed(self, now: int, batch: ReportBatch, delay_ns: int, *, is_paused: bool) -> None:
        """Notes that a call failed, and keeps its reports as long as they are of use."""
        if is_paused:
            self.pause(now, delay_ns)
        self.put_back(now, [report for report, _ in batch.reports])

    def rejected(self, now: int, batch: ReportBatch, failure: CallFailure, delay_ns: int) -> None:
        """Notes that a call was refused as a whole. Fewer requests at once may be accepted."""
        if len(batch.requests) <= 1 or failure.code not in _TOO_MUCH:
            _log.warning("%d lease reports are dropped: %s", len(batch.reports), failure.message)
            return
        self.pause(now, delay_ns)
        self._requests_max = max(len(batch.requests) // 2, 1)
        self.put_back(now, [report for report, _ in batch.reports])

    def pause(self, now: int, at_least_ns: int) -> None:
        """Sends nothing for a while."""
        self._paused_until = now + self._backoff.next(at_least_ns)

    def put_back(self, now: int, reports: list[LeaseReport]) -> None:
        """Puts back reports that were not accepted, before those that wait. Later reports of the same leases win."""
        kept: dict[str, LeaseReport] = {}
        for report in reports:
            later = self._reports.pop(report.request.lease_id, None)
            if later is not None:
                report.merge(later)
            if not report.is_useless(now):
                kept[report.request.lease_id] = report
        kept.update(self._reports)
        self._reports = dict(list(kept.items())[:WAITING_MAX])
        self._due_at = now if self._reports else None


def _is_repeated(report: LeaseReport, refusal: Refusal) -> bool:
    if refusal.HasField("retry_after"):
        return True
    name = Reason.Name(refusal.reason) if refusal.reason in Reason.values() else str(refusal.reason)
    _log.warning("the report of lease %s is refused (%s): %s", report.request.lease_id, name, refusal.message)
    # An observation that the server does not accept must not take the returned permits with it.
    is_about_observation = refusal.reason in (Reason.REASON_MALFORMED, Reason.REASON_UNKNOWN_LIMIT)
    has_observations = bool(report.observations)
    report.observations = []
    return is_about_observation and has_observations
