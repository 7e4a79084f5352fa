"""Where PlateMatte nodes are: in which tree, below which groups, in which scene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import bpy

from platematte_client.errors import PlateMatteError

from . import compat
from .inner_tree import all_trees

IDNAME = "CompositorNodePlateMatte"


class Place(NamedTuple):
    """A node and the way to it. Of use within one step only: an undo frees what it points to."""

    scene: Any
    path: tuple[str, ...]
    """Names of the group nodes from the scene's tree down to the one that holds the node."""
    node: Any

    @property
    def trees(self) -> list[Any]:
        """The trees from the scene's down to the node's."""
        trees = [compat.scene_tree(self.scene)]
        for name in self.path:
            trees.append(trees[-1].nodes[name].node_tree)
        return trees


def is_ours(node: Any) -> bool:
    """Whether a node is a PlateMatte node."""
    return node is not None and node.bl_idname == IDNAME


def our_nodes() -> Iterator[Any]:
    """Yield the PlateMatte nodes of the file."""
    for tree in all_trees():
        yield from (node for node in tree.nodes if is_ours(node))


def nodes_of_scene(scene: Any) -> list[Any]:
    """Return the PlateMatte nodes of a scene's compositor, those inside groups too."""
    tree = compat.scene_tree(scene)
    return [] if tree is None else [node for _, node in _nodes_below(tree, ()) if is_ours(node)]


def place_of(node: Any, prefer: Any = None) -> Place:
    """Return where a node is; prefer: the scene that is meant where several show its tree.

    Raises PlateMatteError where no scene composites with it, or where a group that holds it is used
    more than once, so that it is not said which of its inputs are meant.
    """
    scenes = [scene for scene in bpy.data.scenes if compat.is_compositing(scene)]
    scenes.sort(key=lambda scene: scene != prefer)
    for scene in scenes:
        tree = compat.scene_tree(scene)
        paths = [
            path
            for path, other in _nodes_below(tree, ())
            if other.id_data == node.id_data and other.name == node.name
        ]
        if len(paths) > 1:
            used = ", ".join(" > ".join(path) for path in paths)
            raise PlateMatteError(
                f"the group {node.id_data.name!r} that holds {node.name!r} is used more than once"
                f" ({used}), and its inputs differ.",
                "Make the group that is meant a single user.",
            )
        if paths:
            return Place(scene, paths[0], node)
    raise PlateMatteError(
        f"the tree {node.id_data.name!r} is not the compositor of any scene.",
        "Choose it as the scene's compositor, and switch compositing nodes on.",
    )


def find_node(context: Any, node_name: str = "", tree_name: str = "") -> Any:
    """Return the node that is meant: by name, else the active one of the editor, else the only one.

    Raises PlateMatteError.
    """
    if node_name:
        return _by_name(context, node_name, tree_name)
    tree = getattr(context.space_data, "edit_tree", None)
    if tree is not None and is_ours(tree.nodes.active):
        return tree.nodes.active
    nodes = nodes_of_scene(context.scene)
    if len(nodes) == 1:
        return nodes[0]
    if not nodes:
        raise PlateMatteError(
            f"there is no PlateMatte node in the compositor of {context.scene.name!r}.",
            "Add one: Add > Keying > PlateMatte.",
        )
    names = ", ".join(repr(node.name) for node in nodes)
    raise PlateMatteError(f"there are several PlateMatte nodes: {names}.", "Select one.")


def _by_name(context: Any, node_name: str, tree_name: str) -> Any:
    here = compat.scene_tree(context.scene)
    # In 4.x the trees of all scenes have the same name: the one at hand is meant.
    trees = sorted(all_trees(), key=lambda tree: tree != here)
    for tree in trees:
        if tree_name in ("", tree.name) and is_ours(tree.nodes.get(node_name)):
            return tree.nodes[node_name]
    where = f" in the tree {tree_name!r}" if tree_name else ""
    raise PlateMatteError(f"there is no PlateMatte node {node_name!r}{where}.")


def _nodes_below(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for node in tree.nodes:
        yield path, node
        if node.bl_idname == compat.GROUP_NODE and node.node_tree is not None:
            yield from _nodes_below(node.node_tree, (*path, node.name))
