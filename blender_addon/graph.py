"""Walks up the graph from a socket: through reroutes, out of groups and into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .find import Place

_REROUTE, _GROUP_INPUT, _GROUP_OUTPUT = "NodeReroute", "NodeGroupInput", "NodeGroupOutput"


@dataclass
class Visit:
    """A node that was met, and what its inputs are fed by."""

    number: int
    """The order in which it was met."""
    node: Any
    feeds: list[tuple[Any, list[Any] | None]] = field(default_factory=list)
    """Each input with [number of the node, identifier of its output], or None: its own value."""


def walk_up(place: Place, socket: Any) -> tuple[list[Any] | None, list[Visit]]:
    """Return what feeds an input of the place's node, and all nodes above it, nearest first.

    Leaves the groups that hold the node, but does not enter those above it: see `inside`.
    """
    return _Walk(place.trees, place.path).run(socket)


def inside(tree: Any) -> list[Visit]:
    """Return the nodes that the outputs of a group depend on."""
    outputs = [node for node in tree.nodes if node.bl_idname == _GROUP_OUTPUT]
    active = [node for node in outputs if node.is_active_output] or outputs
    visits: list[Visit] = []
    for node in active[:1]:
        walk = _Walk([tree], ())
        for socket in node.inputs:
            walk.visit(socket)
        visits = walk.finish()
    return visits


def all_above(place: Place, socket: Any) -> Iterator[Any]:
    """Yield every node that an input depends on, those inside of groups too, each once."""
    seen: set[str] = set()
    for visit in walk_up(place, socket)[1]:
        yield visit.node
        yield from _inner_nodes(visit.node, seen)


def group_of(node: Any) -> Any:
    """Return the tree inside a node; None where there is none."""
    return getattr(node, "node_tree", None)


def _inner_nodes(node: Any, seen: set[str]) -> Iterator[Any]:
    tree = group_of(node)
    if tree is None or tree.name in seen:
        return
    seen.add(tree.name)
    for visit in inside(tree):
        yield visit.node
        yield from _inner_nodes(visit.node, seen)


class _Walk:
    """One walk; depth is the index into the trees, from the scene's down to the node's."""

    def __init__(self, trees: list[Any], path: tuple[str, ...]) -> None:
        self._trees, self._path = trees, path
        self._links = [_links_of(tree) for tree in trees]
        self._visits: dict[tuple[int, str], tuple[int, Visit]] = {}
        self._waiting: list[tuple[int, Visit]] = []

    def run(self, socket: Any) -> tuple[list[Any] | None, list[Visit]]:
        first = self.visit(socket)
        return first, self.finish()

    def finish(self) -> list[Visit]:
        while self._waiting:
            depth, visit = self._waiting.pop(0)
            for socket in visit.node.inputs:
                visit.feeds.append((socket, self.visit(socket, depth)))
        return [visit for _, visit in self._visits.values()]

    def visit(self, socket: Any, depth: int | None = None) -> list[Any] | None:
        """Note the node that feeds an input, to be walked on from."""
        found = self._source(socket, len(self._path) if depth is None else depth)
        if found is None:
            return None
        source, depth = found
        key = (depth, source.node.name)
        if key not in self._visits:
            visit = Visit(len(self._visits), source.node)
            self._visits[key] = (depth, visit)
            self._waiting.append((depth, visit))
        return [self._visits[key][1].number, source.identifier]

    def _source(self, socket: Any, depth: int) -> tuple[Any, int] | None:
        while True:
            source = self._links[depth].get(socket.as_pointer())
            if source is None:
                return None
            if source.node.bl_idname == _REROUTE:
                socket = source.node.inputs[0]
            elif source.node.bl_idname == _GROUP_INPUT and depth > 0:
                depth -= 1
                holder = self._trees[depth].nodes[self._path[depth]]
                inputs = {one.identifier: one for one in holder.inputs}
                socket = inputs[source.identifier]
            else:
                return source, depth


def _links_of(tree: Any) -> dict[int, Any]:
    """Return the output that feeds each input, by the input's pointer.

    Asking a socket for its links goes through all links of the tree each time.
    """
    return {
        link.to_socket.as_pointer(): link.from_socket for link in tree.links if not link.is_muted
    }
