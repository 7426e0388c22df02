"""Which node is called next."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from apportion.errors import ConfigError

from .address import Address
from .span import SECOND

_IGNORED_NS = 10 * SECOND
"""How long a hint is ignored after the node that it names has failed."""
_HINT_MAX = 255
"""The longest hint that is read."""


class HintTrust(enum.Enum):
    """What protects calls to an address that is not configured. A node that lies must not redirect a token to anyone."""

    CERTIFICATE = enum.auto()
    """The certificate of every node is checked against a configured authority or server name, so whoever answers is a node."""
    NO_TOKEN = enum.auto()
    """Nothing is sent that could be stolen."""
    LOOPBACK = enum.auto()
    """A token is sent unencrypted, as far as the loopback."""
    CONFIGURED = enum.auto()
    """Nothing: only configured addresses are called."""


class Routes:
    """The configured addresses, which of them is used, and the node that serves the workspace, if one was named."""

    def __init__(self, configured: Sequence[Address], trust: HintTrust) -> None:
        self._configured = tuple(configured)
        self._trust = trust
        self._current = 0
        self._owner: Address | None = None
        self._ignored: tuple[Address, int] | None = None

    def next(self) -> Address:
        """Returns the address to call next."""
        return self._owner or self._configured[self._current]

    def failed(self, address: Address, now: int) -> bool:
        """Notes that a call to an address failed. Returns whether calls go elsewhere now."""
        if self.next() != address:
            return True  # Another call has noticed it before.
        if self._owner is not None:
            self._owner = None
            self._ignored = (address, now + _IGNORED_NS)
        if self._configured[self._current] == address:
            self._current = (self._current + 1) % len(self._configured)
        return self.next() != address

    def hinted(self, hint: str, now: int) -> bool:
        """Notes that a node named the one that serves the workspace, as `host:port`. Returns whether calls go elsewhere now."""
        owner = self._followed(hint)
        if owner is None or owner == self.next():
            return False
        if self._ignored is not None and self._ignored[0] == owner and now < self._ignored[1]:
            return False
        self._owner = owner
        return True

    def _followed(self, hint: str) -> Address | None:
        if len(hint) > _HINT_MAX or "/" in hint:
            return None
        scheme = "https" if self._configured[0].is_https else "http"
        try:
            address = Address.parse(f"{scheme}://{hint}")
        except ConfigError:
            return None
        is_trusted = self._trust in (HintTrust.CERTIFICATE, HintTrust.NO_TOKEN) or (
            self._trust is HintTrust.LOOPBACK and address.is_loopback
        )
        return address if is_trusted or address in self._configured else None
