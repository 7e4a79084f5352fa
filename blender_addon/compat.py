"""Everything that differs between Blender 4.2 and 5.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

IS_5 = bpy.app.version >= (5, 0, 0)
HAS_WORKING_SPACES = hasattr(bpy.data, "colorspace")
"""Whether a .blend chooses the space of its floats; before, the OCIO config does."""
VALUES_ARE_PICTURES = bpy.app.version < (4, 4, 0)
"""Whether the compositor writes a single value as a picture of the render's size. The one that came
with 4.4 writes nothing, and moves pictures by whole pixels only almost exactly."""
MISSING_IS_MAGENTA = bpy.app.version < (4, 5, 0)
"""Whether a multilayer sequence shows opaque magenta where it has no file, and not nothing."""
GROUP_NODE = "CompositorNodeGroup"
PATH_OPTIONS = {"ANIMATABLE", "PATH_SUPPORTS_BLEND_RELATIVE"}
"""Of a property that may hold a path beside the .blend; 4.5 and later warn without it."""
if bpy.app.version < (4, 5, 0):
    PATH_OPTIONS.remove("PATH_SUPPORTS_BLEND_RELATIVE")


def scene_tree(scene: bpy.types.Scene, create: bool = False) -> Any:
    """Return the scene's compositor tree; None when it has none and none is to be made.

    One that is made here is empty: what Blender puts into a new one would want a camera.
    """
    if IS_5:
        tree = scene.compositing_node_group
        if tree is None and create:
            tree = bpy.data.node_groups.new(scene.name + " Compositing", "CompositorNodeTree")
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            scene.compositing_node_group = tree
        return tree
    if create:
        is_new = scene.node_tree is None
        scene.use_nodes = True
        if is_new:
            scene.node_tree.nodes.clear()
    # Switched off, the tree is there all the same, but nothing of it is ever rendered.
    return scene.node_tree


def is_compositing(scene: bpy.types.Scene) -> bool:
    """Whether a scene's compositor tree has any effect."""
    return scene_tree(scene) is not None and (IS_5 or bool(scene.use_nodes))


def embedded_trees() -> list[Any]:
    """Return the compositor trees that are no data-blocks of their own: those of scenes in 4.x."""
    if IS_5:
        return []
    return [scene.node_tree for scene in bpy.data.scenes if scene.node_tree is not None]


def add_output(tree: Any) -> tuple[Any, Any]:
    """Add the node that makes the render result of a scene's tree; return it and its input."""
    if IS_5:
        node = tree.nodes.new("NodeGroupOutput")
        return node, node.inputs[0]
    node = tree.nodes.new("CompositorNodeComposite")
    return node, node.inputs["Image"]


def add_file_output(tree: Any, folder: str, stems: Sequence[str]) -> list[Any]:
    """Add a File Output that writes FOLDER/STEM.FRAME.exr for each stem; return its inputs.

    32-bit float RGB, not compressed, values as they arrive. RGB because the engine would take an
    alpha for the matte of a matte's file.
    """
    node = tree.nodes.new("CompositorNodeOutputFile")
    names = [stem + ".####" for stem in stems]
    if IS_5:
        node.directory, node.file_name = folder, ""
        node.format.media_type = "IMAGE"
        node.save_as_render = False
        node.file_output_items.clear()
        for name in names:
            node.file_output_items.new("RGBA", name)
    else:
        node.base_path = folder
        node.file_slots.clear()
        for name in names:
            node.file_slots.new(name)
        for slot in node.file_slots:
            slot.use_node_format = True
            slot.save_as_render = False
    image_format = node.format
    image_format.file_format = "OPEN_EXR"
    image_format.color_depth = "32"
    image_format.color_mode = "RGB"
    image_format.exr_codec = "NONE"
    return [node.inputs[index] for index in range(len(names))]


def add_mix(tree: Any) -> tuple[Any, Any, Any]:
    """Add a node whose result is its second colour, in the place and size of the first.

    Returns first input, second input and output.
    """
    if IS_5:
        node = tree.nodes.new("ShaderNodeMix")
        node.data_type, node.blend_type = "RGBA", "MIX"
        node.clamp_factor = node.clamp_result = False
        first, second = [
            socket
            for socket in node.inputs
            if socket.enabled and socket.bl_idname == "NodeSocketColor"
        ]
        result = next(socket for socket in node.outputs if socket.enabled)
    else:
        node = tree.nodes.new("CompositorNodeMixRGB")
        node.blend_type = "MIX"
        node.use_clamp = node.use_alpha = False
        first, second, result = node.inputs[1], node.inputs[2], node.outputs[0]
    node.inputs[0].default_value = 1.0
    return first, second, result


def add_switch(tree: Any) -> tuple[Any, Any, Any]:
    """Add a node whose result is its first colour, unchanged; return both inputs and the output."""
    node = tree.nodes.new("CompositorNodeSwitch")
    first, second = [socket for socket in node.inputs if socket.bl_idname == "NodeSocketColor"]
    return first, second, node.outputs[0]


def add_product(tree: Any, source: Any, factor: Any) -> Any:
    """Return a new socket that is a socket's value, or all four of its colour's, times a factor."""
    if source.bl_idname == "NodeSocketColor":
        node = tree.nodes.new("CompositorNodeSetAlpha")
        node.mode = "APPLY"
    else:
        node = tree.nodes.new("CompositorNodeMath")
        node.operation = "MULTIPLY"
    tree.links.new(source, node.inputs[0])
    tree.links.new(factor, node.inputs[1])
    return node.outputs[0]


def render_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Return width and height of a scene's render."""
    render = scene.render
    return (
        max(1, render.resolution_x * render.resolution_percentage // 100),
        max(1, render.resolution_y * render.resolution_percentage // 100),
    )


def set_up_rendering(scene: bpy.types.Scene, like: bpy.types.Scene) -> None:
    """Make a throw-away scene render its compositor alone, exactly, in the size of another's."""
    render = scene.render
    render.resolution_x, render.resolution_y = render_size(like)
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1
    render.use_border = render.use_multiview = render.use_sequencer = False
    render.use_compositing = True
    render.fps, render.fps_base = like.render.fps, like.render.fps_base
    # 5.2 takes the GPU by default, which is neither there on a farm nor exact everywhere.
    render.compositor_device = "CPU"
    if hasattr(render, "compositor_precision"):
        render.compositor_precision = "FULL"


def working_space() -> str:
    """Return the name that Blender gives to the space of its scene-linear floats."""
    return str(bpy.data.colorspace.working_space) if HAS_WORKING_SPACES else "Linear Rec.709"


def own_actions(copy: Any) -> list[Any]:
    """Give a copied data-block actions of its own, and return them.

    A copy shares them with the original, and a node that is removed from it takes its curves out of
    them: the original would lose its keyframes.
    """
    animation = copy.animation_data
    if animation is None:
        return []
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    made = []
    for holder in (animation, *strips):
        if holder.action is None:
            continue
        slot = getattr(holder, "action_slot", None)
        identifier = None if slot is None else slot.identifier
        holder.action = own = holder.action.copy()
        made.append(own)
        if identifier is not None:
            holder.action_slot = next(one for one in own.slots if one.identifier == identifier)
    return made


def curves_of(thing: Any) -> list[Any]:
    """Return the animation curves of a data-block."""
    animation = thing.animation_data
    action = animation.action if animation is not None else None
    if action is None:
        return []
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    bags = [
        strip.channelbag(animation.action_slot)
        for layer in action.layers
        for strip in layer.strips
        if animation.action_slot is not None
    ]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def new_scene_tree(scene: bpy.types.Scene, keep_old: bool) -> Any:
    """Give a scene an empty compositor tree in place of its own, and return it.

    From 5.0 on the old one is a data-block that other scenes may use: it stays as it is, and with
    keep_old it is saved with the file even where nothing uses it. Before, it is emptied.
    """
    if IS_5:
        old = scene.compositing_node_group
        if old is not None and keep_old:
            old.use_fake_user = True
        scene.compositing_node_group = None
        return scene_tree(scene, create=True)
    tree = scene_tree(scene, create=True)
    tree.nodes.clear()
    return tree


def add_alpha_over(tree: Any, background: Any, foreground: Any) -> tuple[Any, Any]:
    """Put a premultiplied foreground over a background, both sockets; return node and output."""
    node = tree.nodes.new("CompositorNodeAlphaOver")
    # Named Image and Image up to 4.5, Background and Foreground since. Straight alpha is off by
    # default, as an input or as the property use_premultiply.
    below, above = [one for one in node.inputs if one.bl_idname == "NodeSocketColor"]
    tree.links.new(background, below)
    tree.links.new(foreground, above)
    return node, node.outputs[0]
