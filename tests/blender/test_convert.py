"""Convert to Group leaves the graph around the node as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest
from builders import make_shot

from blender_addon import compat


@pytest.fixture
def node(scene: Any, tmp_path: Path) -> Any:
    """A node between two images and two nodes that take its outputs."""
    node = make_shot(scene, tmp_path, (1001, 1002))
    tree = node.id_data
    for name in ("Foreground", "Alpha"):
        after = tree.nodes.new("CompositorNodeExposure")
        after.name = f"takes {name}"
        tree.links.new(node.outputs[name], after.inputs[0])
    # An input may be linked from a second output, and an output to several nodes.
    tree.links.new(node.outputs["Alpha"], tree.nodes["takes Foreground"].inputs["Exposure"])
    return node


def links_around(node: Any) -> set[tuple[str, ...]]:
    tree = node.id_data
    return {
        (
            link.from_node.name,
            link.from_socket.name,
            link.to_node.name,
            link.to_socket.name,
        )
        for link in tree.links
        if node.name in (link.from_node.name, link.to_node.name)
    }


def test_all_links_into_and_out_of_the_node_stay(scene: Any, node: Any) -> None:
    before, name = links_around(node), node.name
    assert len(before) == 5
    assert bpy.ops.platematte.convert_to_group(node=name, tree=node.id_data.name) == {"FINISHED"}
    group = compat.scene_tree(scene).nodes[name]
    assert group.bl_idname == "CompositorNodeGroup"
    assert links_around(group) == before
