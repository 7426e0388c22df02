"""What becomes of clients in a process that is forked.

The child has copies of the permits, but they are the parent's: only the parent may spend them. So the child's clients start anew,
and what was taken or leased before the fork is of no use in the child.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """A client."""

    def start_anew(self) -> None:
        """Drops everything that belongs to the parent process."""


_clients: weakref.WeakSet[Forkable] = weakref.WeakSet()


def register(client: Forkable) -> None:
    """Makes a client start anew in every process that is forked from this one."""
    _clients.add(client)


def living() -> list[Forkable]:
    """Returns the clients that are in use."""
    return list(_clients)


def _in_child() -> None:
    for client in living():
        client.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
