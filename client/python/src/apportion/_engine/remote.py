"""Calls the nodes of a network: which one, over which connection, with which token, and what a failure says of them."""

from __future__ import annotations

import dataclasses
import logging
import threading
from typing import Any, TypeVar

import grpc

from apportion import _telemetry
from apportion._core.failure import CallFailure
from apportion._core.routes import Routes
from apportion._core.span import MS, seconds
from apportion.settings import Settings
from apportion.v1 import quota_service_pb2 as wire
from apportion.v1.quota_service_pb2_grpc import QuotaServiceStub

from . import clock, status
from .credentials import Credentials
from .node import Node
from .nodes import Nodes
from .service import OnAnswer, PendingCall

_SILENCE_NS = 900 * MS
"""A connection that gave no answer for so long is replaced."""
_log = logging.getLogger("apportion")
_Response = TypeVar("_Response")


class RemoteService:
    """The quota service on a network."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._routes = Routes(settings.addresses, settings.hint_trust)
        self._nodes = Nodes(settings)

    def acquire(
        self, message: wire.AcquireLeaseRequest, timeout_ns: int, on_answer: OnAnswer[wire.AcquireLeaseResponse]
    ) -> PendingCall:
        """Requests a lease."""
        node = self._enter()
        return self._call(node, node.leases, "AcquireLease", message, timeout_ns, on_answer)

    def settle(
        self,
        message: wire.BatchSettleLeasesRequest,
        timeout_ns: int,
        on_answer: OnAnswer[wire.BatchSettleLeasesResponse],
    ) -> PendingCall:
        """Sends reports."""
        node = self._enter()
        return self._call(node, node.reports, "BatchSettleLeases", message, timeout_ns, on_answer)

    def signals(
        self, message: wire.GetSignalsRequest, timeout_ns: int, on_answer: OnAnswer[wire.GetSignalsResponse]
    ) -> PendingCall:
        """Gets the signals of a workspace."""
        node = self._enter()
        return self._call(node, node.reports, "GetSignals", message, timeout_ns, on_answer)

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            nodes = self._nodes.take_all()
        for node in nodes:
            node.close()

    def _enter(self) -> Node:
        with self._lock:
            node = self._nodes.at(self._routes.next())
            node.calls += 1
            return node

    def _leave(self, node: Node) -> None:
        with self._lock:
            node.calls -= 1
            is_closed = node.is_retired and node.calls == 0
        if is_closed:
            # Not here: this may be a thread of the connection.
            threading.Thread(target=node.close, name="apportion-close", daemon=True).start()

    def _call(
        self, node: Node, stub: QuotaServiceStub, method: str, message: Any, timeout_ns: int, on_answer: OnAnswer[_Response]
    ) -> PendingCall:
        sent_at = clock.now()
        metadata = self._credentials.metadata(sent_at)
        try:
            call = getattr(stub, method).future(message, timeout=seconds(timeout_ns), metadata=metadata)
        except BaseException:
            self._leave(node)
            raise

        def on_done(done: Any) -> None:
            answer = self._answer(node, done, sent_at, timeout_ns)
            self._leave(node)
            _telemetry.current.called(method, answer.code if isinstance(answer, CallFailure) else "")
            on_answer(answer)

        call.add_done_callback(on_done)
        pending: PendingCall = call
        return pending

    def _answer(self, node: Node, call: Any, sent_at: int, timeout_ns: int) -> Any:
        try:
            response = call.result()
        except grpc.RpcError as error:
            return self._failed(node, error, clock.now() - sent_at, timeout_ns)
        except grpc.FutureCancelledError:
            return CallFailure("CANCELLED", "the call was cancelled")
        self._follow(call)
        return response

    def _failed(self, node: Node, error: grpc.RpcError, elapsed_ns: int, timeout_ns: int) -> CallFailure:
        failure = status.read(error)
        now = clock.now()
        is_hinted = self._follow(error)
        is_silent = failure.code == "DEADLINE_EXCEEDED" and elapsed_ns >= timeout_ns - 5 * MS
        is_rerouted = False
        if failure.is_of_transport and (not is_silent or timeout_ns >= _SILENCE_NS):
            with self._lock:
                if is_silent:
                    # The calls that wait on its connections keep them; the next ones get new ones.
                    self._nodes.retire(node)
                is_rerouted = self._routes.failed(node.address, now)
        elif failure.code == "UNAUTHENTICATED":
            is_rerouted = self._credentials.read_again(now)
        else:
            is_rerouted = is_hinted and failure.reason == "NOT_OWNER"
        _log.debug("a call to %s failed: %s", node.address, failure)
        return dataclasses.replace(failure, is_rerouted=is_rerouted)

    def _follow(self, call: object) -> bool:
        owner = status.owner(call)
        if owner is None:
            return False
        with self._lock:
            return self._routes.hinted(owner, clock.now())
