"""Requests for leases and granted leases, as messages."""

from __future__ import annotations

from apportion.errors import InvalidResponseError
from apportion.v1 import lease_pb2
from apportion.v1 import quota_service_pb2 as wire
from apportion.v1.priority_pb2 import Priority

from .lease import Identity, LeaseState, ReportSink
from .span import from_wire, to_wire


def request(
    identity: Identity, permits: tuple[int, int | None], priority: str, wait_ns: int, request_id: str
) -> wire.AcquireLeaseRequest:
    """Returns the request for so many permits, and at least so many."""
    return wire.AcquireLeaseRequest(
        workspace=identity.workspace,
        team=identity.team,
        caller=identity.caller,
        priority=Priority.Value(f"PRIORITY_{priority or 'UNSPECIFIED'}"),
        permits=permits[0],
        min_permits=permits[1],
        max_wait=to_wire(wait_ns),
        request_id=request_id,
    )


def granted(sink: ReportSink, identity: Identity, response: wire.AcquireLeaseResponse, sent_at: int) -> LeaseState:
    """Returns the lease of a response. Its end counts from when that attempt was sent, so a late answer cannot extend it."""
    lease = response.lease
    if not response.HasField("lease"):
        raise InvalidResponseError("the response contains no lease")
    held_ns, valid_for_ns = from_wire(lease.held), from_wire(lease.valid_for)
    if held_ns < 0 or valid_for_ns < 0:
        raise InvalidResponseError("the lease has a negative duration")
    end = sent_at + held_ns + valid_for_ns
    state = LeaseState(sink, lease.permits, end, _priority(lease), is_contended=lease.contended)
    return state.granted_by_server(identity, lease.lease_id, lease.signals_version)


def _priority(lease: lease_pb2.Lease) -> str:
    is_known = lease.priority in Priority.values() and lease.priority != Priority.PRIORITY_UNSPECIFIED
    return Priority.Name(lease.priority).removeprefix("PRIORITY_") if is_known else ""
