"""The token that every call carries."""

from __future__ import annotations

import logging
import os
import pathlib
import threading

from apportion._core.span import SECOND
from apportion.errors import ConfigError

_READ_AGAIN_NS = 10 * SECOND
"""How often the file of a token is read again while calls are made."""
_FILE_MAX = 64 << 10
"""The largest file of a token, in bytes."""

_log = logging.getLogger("apportion")


class Credentials:
    """A fixed token, or one that is read from a file again and again, or none."""

    def __init__(self, token: str | None, file: str | os.PathLike[str] | None, now: int) -> None:
        if token is not None and file is not None:
            raise ConfigError("token, token_file: set one of the two")
        self._file = None if file is None else pathlib.Path(file)
        self._read_at = now
        self._lock = threading.Lock()
        self._header = None if token is None else _bearer(token, "token")
        if self._file is not None:
            self._header = _read(self._file)

    @property
    def is_set(self) -> bool:
        """Whether there is a token."""
        return self._header is not None

    def metadata(self, now: int) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call."""
        with self._lock:
            if self._file is not None and now >= self._read_at + _READ_AGAIN_NS:
                self._read_again(now)
            return () if self._header is None else (("authorization", self._header),)

    def read_again(self, now: int) -> bool:
        """Reads the file of the token again. Returns whether the token is another one now."""
        with self._lock:
            return self._read_again(now)

    def _read_again(self, now: int) -> bool:
        self._read_at = now
        if self._file is None:
            return False
        former = self._header
        try:
            self._header = _read(self._file)
        except ConfigError as error:
            _log.warning("the former token stays in use: %s", error)
        return self._header != former


def _read(file: pathlib.Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_FILE_MAX + 1)
    except OSError as error:
        raise ConfigError(f"token_file {os.fspath(file)!r}: {error.strerror or error}") from None
    if len(content) > _FILE_MAX:
        raise ConfigError(f"token_file {os.fspath(file)!r}: may have {_FILE_MAX} bytes, and has more")
    return _bearer(content.decode("latin-1").strip(), f"token_file {os.fspath(file)!r}")


def _bearer(secret: str, where: str) -> str:
    if not secret or not all("!" <= char <= "~" for char in secret):
        raise ConfigError(f"{where}: a token must be printable ASCII without spaces")
    return f"Bearer {secret}"
