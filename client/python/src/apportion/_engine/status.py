"""Reads the status of a call that failed."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from apportion._core.failure import CallFailure
from apportion._core.span import from_wire

_DETAILS_KEY = "grpc-status-details-bin"
OWNER_KEY = "apportion-owner"
"""The key of the metadata that names the node that serves the workspace."""


def read(error: grpc.RpcError) -> CallFailure:
    """Returns the failure with what its details say. Details that cannot be read are left out."""
    code = error.code() if isinstance(error, grpc.Call) else None
    message = (error.details() if isinstance(error, grpc.Call) else None) or str(error)
    reason: str | None = None
    retry_after_ns: int | None = None
    for detail in _details(error):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            reason = detail.reason
        elif detail.HasField("retry_delay"):
            retry_after_ns = max(from_wire(detail.retry_delay), 0)
    return CallFailure(code.name if code is not None else "UNKNOWN", message, reason, retry_after_ns)


def owner(call: object) -> str | None:
    """Returns the node that a response or a failure names."""
    if not isinstance(call, grpc.Call):
        return None
    for key, value in _metadata(call.initial_metadata()) + _metadata(call.trailing_metadata()):
        if key == OWNER_KEY and isinstance(value, str):
            return value
    return None


def _details(error: grpc.RpcError) -> list[error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo]:
    found: list[error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo] = []
    if not isinstance(error, grpc.Call):
        return found
    for key, value in _metadata(error.trailing_metadata()):
        if key != _DETAILS_KEY or not isinstance(value, bytes):
            continue
        try:
            for detail in status_pb2.Status.FromString(value).details:
                info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    found.append(info)
                elif detail.Unpack(retry):
                    found.append(retry)
        except DecodeError:
            continue
    return found


def _metadata(metadata: Any) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in metadata or ()]
