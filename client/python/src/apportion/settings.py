"""The settings of a client, checked."""

from __future__ import annotations

import os
import pathlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from ._core.address import Address
from ._core.lease import Identity
from ._core.routes import HintTrust
from ._core.share import LocalShare
from ._core.span import Seconds, nanos
from .errors import ConfigError
from .fallback import Fallback, Share, Wait

__all__ = ["Tls"]

ADDRESSES_MAX = 16
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_CALLER = re.compile(r"[!-~]{1,128}")
_KEY = re.compile(rb"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----")


@dataclass(frozen=True)
class Tls:
    """Certificates for `https`, in PEM. What is not set is that of the system."""

    certificate_authority: bytes | None = field(default=None, repr=False)
    """The authorities to trust."""
    certificate: bytes | None = field(default=None, repr=False)
    """The certificate that identifies the client, with its chain."""
    key: bytes | None = field(default=None, repr=False)
    """The private key of that certificate."""
    server_name: str | None = None
    """The name that the certificate of every server must have. By default the host of its address."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("tls: set both the certificate and its key, or neither")
        _check_certificates(self.certificate_authority, "certificate_authority")
        _check_certificates(self.certificate, "certificate")
        if self.key is not None and _KEY.search(self.key) is None:
            raise ConfigError("tls: key: contains no private key in PEM")

    @staticmethod
    def from_files(
        *,
        certificate_authority: str | os.PathLike[str] | None = None,
        certificate: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        server_name: str | None = None,
    ) -> Tls:
        """Reads the certificates from files. Raises `ConfigError` if one cannot be read, or if they do not fit each other."""
        tls = Tls(_read(certificate_authority), _read(certificate), _read(key), server_name)
        if certificate is not None and key is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_no_password)
            except (ssl.SSLError, ValueError) as error:
                raise ConfigError(f"tls: certificate and key: {error}") from None
        return tls


@dataclass(frozen=True)
class Settings:
    """What a client is configured with."""

    addresses: tuple[Address, ...]
    identity: Identity
    token: str | None
    token_file: str | os.PathLike[str] | None
    tls: Tls | None
    is_insecure: bool
    fallback: Fallback
    connect_timeout_ns: int
    close_timeout_ns: int

    @property
    def has_token(self) -> bool:
        """Whether calls carry a token."""
        return self.token is not None or self.token_file is not None

    @property
    def hint_trust(self) -> HintTrust:
        """What protects calls to nodes that are not configured."""
        if self.addresses[0].is_https:
            is_checked = self.tls is not None and (self.tls.certificate_authority or self.tls.server_name)
            return HintTrust.CERTIFICATE if is_checked else HintTrust.CONFIGURED
        return HintTrust.LOOPBACK if self.has_token else HintTrust.NO_TOKEN

    @property
    def waits_for_server(self) -> bool:
        """Whether a request is repeated until a server is reachable, however long that takes."""
        return isinstance(self.fallback, Wait)

    def share(self) -> LocalShare | None:
        """Returns the local share, if there is one."""
        if not isinstance(self.fallback, Share):
            return None
        return LocalShare(self.fallback.permits, nanos(self.fallback.window, "fallback: the window of a share"))


def checked(
    addresses: str | Sequence[str],
    *,
    identity: Identity,
    token: str | None,
    token_file: str | os.PathLike[str] | None,
    tls: Tls | None,
    insecure: bool,
    fallback: Fallback,
    connect_timeout: Seconds,
    close_timeout: Seconds,
) -> Settings:
    """Returns the settings. Raises `ConfigError` that names the setting, its value, and what it must be."""
    texts = [addresses] if isinstance(addresses, str) else list(addresses)
    if not 1 <= len(texts) <= ADDRESSES_MAX:
        raise ConfigError(f"addresses: there must be 1 to {ADDRESSES_MAX}, and there are {len(texts)}")
    parsed = tuple(Address.parse(text) for text in texts)
    if len({address.is_https for address in parsed}) > 1:
        raise ConfigError("addresses: all must be http, or all https")
    if tls is not None and not parsed[0].is_https:
        raise ConfigError("tls: needs addresses that start with https")
    for name, value in (("workspace", identity.workspace), ("team", identity.team)):
        if value and _ID.fullmatch(value) is None:
            raise ConfigError(f"{name} {value!r}: at most 63 letters, digits, '-', '_' and '.', starting with a letter or digit")
    if identity.caller and _CALLER.fullmatch(identity.caller) is None:
        raise ConfigError(f"caller {identity.caller!r}: at most 128 printable ASCII characters without spaces")
    settings = Settings(
        parsed,
        identity,
        token,
        token_file,
        tls,
        insecure,
        fallback,
        _timeout(connect_timeout, "connect_timeout"),
        _timeout(close_timeout, "close_timeout"),
    )
    far = next((address for address in parsed if not address.is_loopback), None)
    if settings.has_token and not insecure and far is not None and not far.is_https:
        raise ConfigError(f"token: would be sent unencrypted to {far}: use https, or set insecure=True if the network encrypts")
    return settings


def _timeout(span: Seconds, name: str) -> int:
    try:
        return nanos(span, name)
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error)) from None


def _check_certificates(pem: bytes | None, name: str) -> None:
    if pem is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"tls: {name}: contains no certificate in PEM: {error}") from None


def _no_password() -> str:
    raise ValueError("the key is encrypted, which is not supported")


def _read(path: str | os.PathLike[str] | None) -> bytes | None:
    if path is None:
        return None
    try:
        with pathlib.Path(path).open("rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise ConfigError(f"tls: {os.fspath(path)!r}: {error.strerror or error}") from None
