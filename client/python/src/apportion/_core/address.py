"""Where a node is."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from apportion.errors import ConfigError


@dataclass(frozen=True)
class Address:
    """A URL of scheme, host and port."""

    is_https: bool
    host: str
    """Without brackets if it is an IPv6 address."""
    port: int

    @staticmethod
    def parse(text: str) -> Address:
        """Reads an address such as `http://127.0.0.1:7420`. Raises `ConfigError`."""
        try:
            url = urlsplit(text)
            host, port = url.hostname, url.port
        except ValueError as error:
            raise _invalid(text, str(error)) from None
        if url.scheme not in ("http", "https"):
            raise _invalid(text, "its scheme is neither http nor https")
        if not host or any(not char.isprintable() or char.isspace() for char in text):
            raise _invalid(text, "it has no host, or one that cannot be")
        if port == 0:
            raise _invalid(text, "its port is 0")
        if "@" in url.netloc or url.path not in ("", "/") or url.query or url.fragment:
            raise _invalid(text, "it may have a scheme, a host and a port only")
        is_https = url.scheme == "https"
        return Address(is_https, host, port if port is not None else 443 if is_https else 80)

    @property
    def target(self) -> str:
        """The host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"{'https' if self.is_https else 'http'}://{self.target}"


def _invalid(text: str, why: str) -> ConfigError:
    return ConfigError(f"address {text!r}: must be a URL such as http://127.0.0.1:7420: {why}")
