"""The node itself: sockets, what it shows without a result, its copies, its place in the menu."""

from __future__ import annotations

from typing import Any

import bpy
import pytest

from blender_addon import api, compat
from blender_addon.node import CompositorNodePlateMatte
from blender_addon.sockets import INPUTS, OUTPUTS


def test_a_node_has_the_sockets_that_everybody_counts_on(scene: Any) -> None:
    node = api.create(scene)
    assert [socket.name for socket in node.inputs] == [one.name for one in INPUTS]
    assert [socket.name for socket in node.outputs] == [one.name for one in OUTPUTS]
    assert node.node_tree.name.startswith(".")


def test_the_add_menu_of_the_compositor_offers_it() -> None:
    from blender_addon import node

    assert node._draw_add in bpy.types.NODE_MT_category_compositor_keying.draw._draw_funcs


@pytest.mark.skipif(bpy.app.version < (4, 5, 0), reason="no name of an input is dimmed before 4.5")
def test_no_input_looks_as_if_it_did_nothing(scene: Any) -> None:
    node = api.create(scene)
    bpy.context.view_layer.update()
    assert [socket.name for socket in node.inputs if socket.is_inactive] == []


def test_it_goes_into_no_shader_tree(scene: Any) -> None:
    tree = bpy.data.node_groups.new("shader", "ShaderNodeTree")
    assert not CompositorNodePlateMatte.poll(tree)
    assert CompositorNodePlateMatte.poll(compat.scene_tree(scene, create=True))
