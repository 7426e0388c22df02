"""A server with scripted answers that records what it receives."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

from apportion._core.span import SECOND, to_wire
from apportion.v1 import lease_pb2, priority_pb2
from apportion.v1 import quota_service_pb2 as wire
from apportion.v1.quota_service_pb2_grpc import QuotaServiceServicer, add_QuotaServiceServicer_to_server
from apportion.v1.signals_pb2 import Signals

Answer = Callable[["ScriptedServer", wire.AcquireLeaseRequest, Any], wire.AcquireLeaseResponse]


def lease(permits: int = 0, valid_for_s: float = 10.0, *, is_contended: bool = False, held_s: float = 0) -> Answer:
    """A lease; of as many permits as are requested by default."""

    def answer(server: ScriptedServer, request: wire.AcquireLeaseRequest, _: Any) -> wire.AcquireLeaseResponse:
        granted = permits or request.permits
        return wire.AcquireLeaseResponse(
            lease=lease_pb2.Lease(
                lease_id=server.next_lease_id(granted),
                permits=granted,
                priority=priority_pb2.PRIORITY_DEFAULT,
                held=to_wire(round(held_s * SECOND)),
                valid_for=to_wire(round(valid_for_s * SECOND)),
                contended=is_contended,
                signals_version=server.signals_version,
            )
        )

    return answer


def refusal(
    reason: str, retry_after_s: float | None = None, code: grpc.StatusCode = grpc.StatusCode.RESOURCE_EXHAUSTED, owner: str = ""
) -> Answer:
    """A refusal with the details of the contract."""

    def answer(_: ScriptedServer, __: wire.AcquireLeaseRequest, context: Any) -> wire.AcquireLeaseResponse:
        status = status_pb2.Status(code=code.value[0], message="no")
        detail = AnyMessage()
        detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="apportion"))
        status.details.append(detail)
        if retry_after_s is not None:
            detail = AnyMessage()
            detail.Pack(error_details_pb2.RetryInfo(retry_delay=to_wire(round(retry_after_s * SECOND))))
            status.details.append(detail)
        trailers: list[tuple[str, Any]] = [("grpc-status-details-bin", status.SerializeToString())]
        if owner:
            trailers.append(("apportion-owner", owner))
        context.set_trailing_metadata(trailers)
        context.abort(code, "no")
        raise AssertionError

    return answer


def failure(code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> Answer:
    """A failure without details, as of the transport."""

    def answer(_: ScriptedServer, __: wire.AcquireLeaseRequest, context: Any) -> wire.AcquireLeaseResponse:
        context.abort(code, "away")
        raise AssertionError

    return answer


def when(event: threading.Event, then: Answer) -> Answer:
    """An answer that waits for an event."""

    def answer(server: ScriptedServer, request: wire.AcquireLeaseRequest, context: Any) -> wire.AcquireLeaseResponse:
        def ended() -> None:
            if not event.is_set():
                server.note_withdrawn()

        context.add_callback(ended)
        event.wait(30)
        return then(server, request, context)

    return answer


class ScriptedServer(QuotaServiceServicer):
    """Gives its answers in order, then always the last one."""

    def __init__(self, *answers: Answer) -> None:
        self.address = ""
        self.acquires: list[wire.AcquireLeaseRequest] = []
        self.settles: list[wire.SettleLeaseRequest] = []
        self.refusals: deque[lease_pb2.Refusal] = deque()
        self.settle_failures = 0
        self.batches = 0
        self.withdrawn = 0
        self.tokens: list[str] = []
        self.granted = 0
        self.signals = Signals()
        self.signals_version = 0
        self.signals_asked = 0
        self.changed = threading.Condition()
        self._answers = deque(answers or (lease(),))
        self._leases = 0

    def next_lease_id(self, permits: int) -> str:
        with self.changed:
            self.granted += permits
            self._leases += 1
            return f"lease-{self._leases}"

    def note_withdrawn(self) -> None:
        """Notes that a call ended that waited for its answer."""
        with self.changed:
            self.withdrawn += 1
            self.changed.notify_all()

    def AcquireLease(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self.changed:
            self.acquires.append(request)
            self._note_token(context)
            answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
            self.changed.notify_all()
        return answer(self, request, context)

    def BatchSettleLeases(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self.changed:
            self.batches += 1
            self._note_token(context)
            self.changed.notify_all()
            if self.settle_failures:
                self.settle_failures -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "away")
            outcomes = []
            for settle in request.requests:
                if self.refusals:
                    outcomes.append(wire.SettleOutcome(refusal=self.refusals.popleft()))
                else:
                    self.settles.append(settle)
                    outcomes.append(wire.SettleOutcome(settled=lease_pb2.Settled()))
            return wire.BatchSettleLeasesResponse(outcomes=outcomes)

    def SettleLease(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    def Exchange(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    def WatchWorkspace(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    def ExplainLease(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    def QueryUsage(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    def GetSignals(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self.changed:
            self.signals_asked += 1
            self.changed.notify_all()
            return wire.GetSignalsResponse(signals=self.signals, signals_version=self.signals_version)

    def wait_until(self, is_so: Callable[[], bool], within_s: float = 10.0) -> None:
        """Waits until something is so, which a call may bring about."""
        with self.changed:
            assert self.changed.wait_for(is_so, within_s), "it did not happen in time"

    def returned(self) -> int:
        """The permits that were returned, by the last report of each lease."""
        with self.changed:
            return sum(settle.returned_permits for settle in {s.lease_id: s for s in self.settles}.values())

    def used(self) -> int:
        """The permits that were used, by the last report of each lease."""
        with self.changed:
            return sum(settle.used_permits for settle in {s.lease_id: s for s in self.settles}.values())

    def _note_token(self, context: Any) -> None:
        self.tokens += [value for key, value in context.invocation_metadata() if key == "authorization"]


@contextmanager
def serving(
    *answers: Answer, port: int = 0, options: Sequence[tuple[str, int]] = (), credentials: grpc.ServerCredentials | None = None
) -> Iterator[ScriptedServer]:
    """Runs a scripted server, over TLS if it has credentials."""
    scripted = ScriptedServer(*answers)
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0), *options])
    add_QuotaServiceServicer_to_server(scripted, server)
    here = f"127.0.0.1:{port}"
    if credentials is None:
        scripted.address = f"http://127.0.0.1:{server.add_insecure_port(here)}"
    else:
        scripted.address = f"https://127.0.0.1:{server.add_secure_port(here, credentials)}"
    server.start()
    try:
        yield scripted
    finally:
        server.stop(None).wait()
