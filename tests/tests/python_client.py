"""A client of Apportion with the generated stubs alone. Run by python_client.rs with the address of a server."""

import sys
import time

import grpc
from apportion.v1 import lease_pb2, observation_pb2, quota_service_pb2, quota_service_pb2_grpc
from google.protobuf import duration_pb2

WINDOW_PERMITS = 166


def status_of(error):
    """The details of a refusal, read from its trailers as any gRPC client can: no package besides grpcio is needed."""
    raw = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
    assert b"type.googleapis.com/google.rpc.ErrorInfo" in raw, raw
    return raw


def acquire(stub, permits=1, min_permits=1, wait=0.0):
    whole = int(wait)
    request = quota_service_pb2.AcquireLeaseRequest(
        caller="python",
        permits=permits,
        min_permits=min_permits,
        max_wait=duration_pb2.Duration(seconds=whole, nanos=int((wait - whole) * 1e9)),
    )
    return stub.AcquireLease(request, timeout=wait + 2).lease


def settle(stub, lease, used, returned, observations=()):
    return stub.SettleLease(
        quota_service_pb2.SettleLeaseRequest(
            caller="python",
            lease_id=lease.lease_id,
            used_permits=used,
            returned_permits=returned,
            is_final=True,
            observations=observations,
        ),
        timeout=5,
    ).settled


def until_next_window():
    """Waits for the next window, since nothing is granted near the end of one."""
    time.sleep(10.2 - time.time() % 10)


def main():
    stub = quota_service_pb2_grpc.QuotaServiceStub(grpc.insecure_channel(sys.argv[1]))
    until_next_window()
    sent = time.monotonic()
    lease = acquire(stub, permits=20, wait=1.0)
    assert lease.lease_id and lease.permits == 20, lease
    assert 0 < lease.valid_for.ToTimedelta().total_seconds() < 10, lease
    assert time.monotonic() < sent + lease.valid_for.ToTimedelta().total_seconds(), "the lease has expired"

    try:
        acquire(stub, permits=WINDOW_PERMITS + 1, min_permits=WINDOW_PERMITS + 1)
        raise AssertionError("more than a window was granted")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        assert b"TOO_LARGE" in status_of(error), error

    try:
        while True:
            acquire(stub, permits=20, min_permits=20, wait=0.2)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
        raw = status_of(error)
        for detail in (b"apportion", b"google.rpc.RetryInfo", b"google.rpc.QuotaFailure", b"DEADLINE_TOO_SHORT"):
            assert detail in raw, (detail, raw)

    started = time.monotonic()
    waited = acquire(stub, permits=20, min_permits=20, wait=12.0)
    assert time.monotonic() - started > 0.05 and waited.HasField("held"), waited

    observation = observation_pb2.Observation(status=200, limit_permits=WINDOW_PERMITS, remaining_permits=100)
    settled = settle(stub, waited, used=5, returned=15, observations=[observation])
    assert settled.accepted_permits == 15 and not settled.open, settled
    again = settle(stub, waited, used=5, returned=15)
    assert again.accepted_permits == 0, again
    assert lease_pb2.Settled.DESCRIPTOR.full_name == "apportion.v1.Settled"
    print("acquired, refused, waited, settled")


main()
