"""What all tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from provider import Provider, providing
from server import ScriptedServer, serving

import apportion

Connect = Callable[..., apportion.Quota]


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that counts."""
    with providing() as running:
        yield running


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that grants what is requested."""
    with serving() as running:
        yield running
