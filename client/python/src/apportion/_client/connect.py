"""How a client reaches the servers."""

from __future__ import annotations

from collections.abc import Callable

from apportion._engine import clock
from apportion._engine.credentials import Credentials
from apportion._engine.remote import RemoteService
from apportion._engine.service import Service
from apportion.settings import Settings


def remote(settings: Settings) -> Callable[[], Service]:
    """Checks the token, and returns what creates the connections of a process."""
    credentials = Credentials(settings.token, settings.token_file, clock.now())

    def connect() -> Service:
        return RemoteService(settings, credentials)

    return connect
