"""The nodes that there are connections to."""

from __future__ import annotations

import logging

from apportion._core.address import Address
from apportion.settings import Settings

from .node import Node

_NODES_MAX = 32
"""The most nodes that new calls may go to. Beyond, the one that was connected first is dropped."""
_log = logging.getLogger("apportion")


class Nodes:
    """Connections by address, and those that are given up and still have calls in flight."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nodes: dict[Address, Node] = {}
        self._retired: set[Node] = set()

    def at(self, address: Address) -> Node:
        """Returns the node of an address, connected when it is called."""
        node = self._nodes.get(address)
        if node is None:
            if len(self._nodes) >= _NODES_MAX:
                self.retire(next(iter(self._nodes.values())))
            node = self._nodes[address] = Node(address, self._settings)
            _log.debug("calls go to %s", address)
        return node

    def retire(self, node: Node) -> None:
        """Gives up the connections of a node. They are closed with their last call."""
        node.is_retired = True
        if self._nodes.get(node.address) is node:
            del self._nodes[node.address]
        self._retired = {other for other in self._retired if other.calls > 0} | {node}

    def take_all(self) -> list[Node]:
        """Takes all nodes, to close them."""
        nodes = [*self._nodes.values(), *self._retired]
        self._nodes, self._retired = {}, set()
        return nodes
