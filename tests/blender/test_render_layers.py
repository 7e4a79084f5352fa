"""A Render Layers node above the node delivers the user's scene, objects and all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from builders import capture_at, rgb

from blender_addon import api, compat


def test_the_objects_of_the_users_scene_are_in_what_is_captured(scene: Any, tmp_path: Path) -> None:
    _fill_the_picture(scene, (0.5, 2.0, 4.0, 1.0))
    tree = compat.scene_tree(scene, create=True)
    layers = tree.nodes.new("CompositorNodeRLayers")
    layers.scene = scene
    node = api.create(scene, layers, layers)
    files = capture_at(node, ("plate",), 1, tmp_path / "in")
    # The sky is black: a scene without its objects would be black everywhere.
    np.testing.assert_allclose(rgb(files["plate"]).mean((0, 1)), [0.5, 2.0, 4.0], rtol=1e-3)


def _fill_the_picture(scene: Any, colour: tuple[float, float, float, float]) -> None:
    """Put a card that shines by itself before the camera; the quickest render of it."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = 16, 8
    camera = bpy.data.cameras.new("camera")
    camera.type, camera.ortho_scale = "ORTHO", 1.0
    scene.camera = bpy.data.objects.new("camera", camera)
    scene.camera.location = (0.0, 0.0, 5.0)
    card = bpy.data.meshes.new("card")
    corners = [(-4, -4, 0), (4, -4, 0), (4, 4, 0), (-4, 4, 0)]
    card.from_pydata(corners, [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new("light")
    if not compat.IS_5:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    emission, output = (
        nodes.new("ShaderNodeEmission"),
        nodes.new("ShaderNodeOutputMaterial"),
    )
    emission.inputs["Color"].default_value = colour
    material.node_tree.links.new(emission.outputs[0], output.inputs["Surface"])
    card.materials.append(material)
    for thing in (scene.camera, bpy.data.objects.new("card", card)):
        scene.collection.objects.link(thing)
