"""Gets the signals of the workspace when a lease has another version of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from apportion._core.failure import CallFailure
from apportion._core.span import SECOND
from apportion.v1 import quota_service_pb2 as wire
from apportion.v1.signals_pb2 import Signals

from .loop import Loop
from .service import Service

_TIMEOUT_NS = 2 * SECOND
_PAUSE_NS = SECOND
"""How long after a failure they are not asked for again."""
_log = logging.getLogger("apportion")


class SignalsUser(Protocol):
    """What interprets responses by signals."""

    version: int

    def replace(self, signals: Signals, version: int) -> None:
        """Uses other signals from now on."""


class SignalsSource:
    """Asks for signals, one call at a time. Used under the engine's lock."""

    def __init__(self, loop: Loop, service: Callable[[], Service], user: SignalsUser | None, workspace: str) -> None:
        self._loop = loop
        self._service = service
        self._user = user
        self._workspace = workspace
        self._is_asking = False
        self._paused_until = 0

    def seen(self, now: int, version: int) -> None:
        """Notes the version that a lease has. 0 says nothing."""
        user = self._user
        if user is None or version in (0, user.version) or self._is_asking or now < self._paused_until:
            return
        self._is_asking = True

        def on_answer(result: wire.GetSignalsResponse | CallFailure) -> None:
            self._loop.post(lambda then: self._answered(then, user, result))

        def send() -> None:
            try:
                self._service().signals(wire.GetSignalsRequest(workspace=self._workspace), _TIMEOUT_NS, on_answer)
            except Exception as error:
                on_answer(CallFailure("UNAVAILABLE", f"the call cannot be made: {error}"))

        self._loop.schedule.later(send)
        self._loop.wake()

    def _answered(self, now: int, user: SignalsUser, result: wire.GetSignalsResponse | CallFailure) -> None:
        self._is_asking = False
        if isinstance(result, CallFailure):
            self._paused_until = now + _PAUSE_NS
            _log.debug("the signals could not be got: %s", result)
        elif result.signals_version:
            user.replace(result.signals, result.signals_version)
