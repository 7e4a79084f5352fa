"""The compositor's editor: whether a context is in one, and how it is brought to a node."""

from __future__ import annotations

from typing import Any

import bpy

from .find import place_of


def shows_compositor(context: bpy.types.Context) -> bool:
    """Whether the area is a node editor that shows a compositor."""
    return getattr(context.space_data, "tree_type", "") == "CompositorNodeTree"


def reveal(context: bpy.types.Context, node: Any) -> None:
    """Show the node's tree in the editor, select the node, nothing else, and bring it into view.

    The window goes to the node's scene. Raises PlateMatteError for a node in no scene's compositor.
    """
    place = place_of(node, context.scene)
    if context.window is not None and context.window.scene != place.scene:
        context.window.scene = place.scene
    trees = place.trees
    path = context.space_data.path
    path.start(trees[0])
    for tree, outer, name in zip(trees[1:], trees, place.path, strict=False):
        path.append(tree, node=outer.nodes[name])
    for other in node.id_data.nodes:
        other.select = other == node
    node.id_data.nodes.active = node
    if bpy.ops.node.view_selected.poll():
        bpy.ops.node.view_selected("INVOKE_DEFAULT")
