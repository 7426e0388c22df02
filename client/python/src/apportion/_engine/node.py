"""The connections to one node."""

from __future__ import annotations

from typing import Any

import grpc

from apportion._core.address import Address
from apportion._core.span import MS
from apportion.settings import Settings
from apportion.v1.quota_service_pb2_grpc import QuotaServiceStub

_KEEP_ALIVE_MS = 5_000
"""How often a connection is probed, idle or not."""
_KEEP_ALIVE_TIMEOUT_MS = 5_000
"""How long a probe, or anything that is sent, may stay unanswered before the connection is closed."""


class Node:
    """Two connections: acquires that wait may fill up one, and reports pass on the other."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self.address = address
        self._channels = (_channel(address, settings), _channel(address, settings))
        self.leases = QuotaServiceStub(self._channels[0])
        self.reports = QuotaServiceStub(self._channels[1])
        self.calls = 0
        """How many calls are in flight."""
        self.is_retired = False
        """Whether it is closed with its last call."""

    def close(self) -> None:
        """Ends all calls, and closes the connections."""
        for channel in self._channels:
            channel.close()


def _channel(address: Address, settings: Settings) -> grpc.Channel:
    connect_timeout_ms = max(min(settings.connect_timeout_ns // MS, 600_000), 1)
    options: list[tuple[str, Any]] = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
        ("grpc.enable_retries", 0),
        ("grpc.keepalive_time_ms", _KEEP_ALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEP_ALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", connect_timeout_ms),  # the time-out of connecting, despite its name
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
    if not address.is_https:
        return grpc.insecure_channel(address.target, options)
    tls = settings.tls
    if tls is None:
        return grpc.secure_channel(address.target, grpc.ssl_channel_credentials(), options)
    if tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    credentials = grpc.ssl_channel_credentials(tls.certificate_authority, tls.key, tls.certificate)
    return grpc.secure_channel(address.target, credentials, options)
