"""How a client reaches the servers."""

from __future__ import annotations

from collections.abc import Callable

from apportion._core.lease import Identity
from apportion._engine import clock
from apportion._engine.credentials import Credentials
from apportion._engine.remote import RemoteService
from apportion._engine.service import Service
from apportion.fallback import Fallback
from apportion.settings import Settings, checked


def remote(settings: Settings) -> Callable[[], Service]:
    """Checks the token, and returns what creates the connections of a process."""
    credentials = Credentials(settings.token, settings.token_file, clock.now())

    def connect() -> Service:
        return RemoteService(settings, credentials)

    return connect


def local(service: Service, fallback: Fallback) -> tuple[Settings, Callable[[], Service]]:
    """Returns the settings of a client that has its service in the process, and what it calls."""
    settings = checked(
        "http://127.0.0.1:7420",
        identity=Identity(),
        token=None,
        token_file=None,
        tls=None,
        insecure=False,
        fallback=fallback,
        connect_timeout=1.0,
        close_timeout=2.0,
    )
    return settings, lambda: service
