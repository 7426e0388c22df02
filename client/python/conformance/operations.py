"""What the driver for threads and the driver for asyncio have in common: handles, and operations that wait for nothing."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Any

import convert
import driver_pb2 as wire

import apportion
from apportion import signals
from apportion.v1.signals_pb2 import Signals

CAPABILITIES = [
    "lease-put-back",
    "flush",
    "drop",
    "tls",
    "client-certificate",
    "token-file",
    "addresses",
    "hints",
    "observation",
    "observation-age",
    "interpret",
]


class Handles:
    """What the runner has named."""

    def __init__(self) -> None:
        self.clients: dict[int, Any] = {}
        self.prefetches: dict[int, Any] = {}
        self.leases: dict[int, apportion.Lease] = {}
        self.permits: dict[int, apportion.Permit] = {}
        self.https: dict[int, Any] = {}
        self.owners: dict[int, int] = {}
        """The client of each prefetch."""

    def held(self, message: Any) -> apportion.Permit | apportion.Lease:
        """Returns the permit or lease that a message names."""
        return self.permits[message.permit] if message.permit else self.leases[message.lease]


def take(handles: Handles, message: wire.Take) -> wire.Taken:
    """Takes permits of a lease."""
    lease = handles.leases[message.lease]
    return wire.Taken(taken=sum(lease.take() for _ in range(message.times or 1)))


def put_back(handles: Handles, message: wire.PutBack) -> wire.Done:
    """Puts back a permit, or a permit of a lease."""
    if message.permit:
        handles.permits.pop(message.permit).put_back()
    else:
        handles.leases[message.lease].put_back()
    return wire.Done()


def leave(handles: Handles, message: wire.Leave) -> wire.Done:
    """Leaves a scope."""
    held = handles.permits.pop(message.permit) if message.permit else handles.leases.pop(message.lease)
    with held:
        pass
    return wire.Done()


def inspect(handles: Handles, message: wire.Inspect) -> wire.Inspection:
    """Says what is left."""
    held = handles.held(message)
    left = held.left if isinstance(held, apportion.Lease) else None
    return wire.Inspection(left=left, valid_for_ms=int(held.valid_for * 1000))


def observe(handles: Handles, message: wire.Observe) -> wire.Done:
    """Reports a response."""
    held = handles.held(message)
    if message.WhichOneof("what") == "response":
        response = message.response
        headers = [(header.name, header.value) for header in response.headers]
        held.observe_response(response.status, headers, response.body if response.HasField("body") else None)
    else:
        held.observe(convert.observation(message.observation))
    return wire.Done()


def interpret(message: wire.Interpret) -> wire.Observations:
    """Interprets a response by signals."""
    response = message.response
    headers = [(header.name, header.value) for header in response.headers]
    read = signals.interpret(
        Signals.FromString(message.signals),
        apportion.Response.of(response.status, headers, response.body if response.HasField("body") else None),
    )
    return wire.Observations(
        observations=[convert.observed(seen) for seen in read.observations], is_uncounted=not read.is_counted
    )


def drop(handles: Handles, message: wire.Drop) -> wire.Done:
    """Forgets a handle, and everything that was made from it."""
    if message.client:
        handles.clients.pop(message.client)
        for prefetch in [handle for handle, client in handles.owners.items() if client == message.client]:
            handles.prefetches.pop(prefetch, None)
    elif message.prefetch:
        handles.prefetches.pop(message.prefetch)
    else:
        handles.https.pop(message.http)
    gc.collect()
    return wire.Done()


def state(handles: Handles, message: wire.State) -> wire.StateResult:
    """Counts."""
    gc.collect()
    own = sum(thread.name.startswith("driver") for thread in threading.enumerate())
    result = wire.StateResult(
        threads=len(threading.enumerate()) - own,
        open_files=len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else None,
    )
    if message.client:
        counts = handles.clients[message.client].counts()
        for name in ("held", "in_use", "waiting", "pending_reports", "open_leases"):
            setattr(result, name, counts[name])
    return result


def hello(capabilities: list[str], hooks: dict[str, list[str]]) -> wire.HelloResult:
    """Says what the driver can do."""
    return wire.HelloResult(
        version=1,
        language="python",
        client_version=apportion.__version__,
        capabilities=capabilities,
        hooks=[wire.Hook(name=name, features=features) for name, features in hooks.items()],
        process_id=os.getpid(),
    )


def response(request_id: int, result: Any, elapsed_ns: int) -> bytes:
    """Encodes a response."""
    message = wire.DriverResponse(id=request_id, elapsed_us=elapsed_ns // 1000)
    fields = {
        wire.Done: "done",
        wire.Failure: "failure",
        wire.HelloResult: "hello",
        wire.Grant: "grant",
        wire.Taken: "taken",
        wire.Inspection: "inspection",
        wire.Observations: "observations",
        wire.HttpResult: "http",
        wire.StateResult: "state",
    }
    getattr(message, fields[type(result)]).CopyFrom(result)
    return message.SerializeToString()
