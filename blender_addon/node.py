"""The PlateMatte node: sockets, properties, what it draws, its entry in the Add menu."""

from __future__ import annotations

from typing import Any

import bpy

from platematte_client.errors import PlateMatteError, one_line

from . import compat, inner_tree, status, version
from .find import IDNAME


def _show_chosen(node: Any, context: Any) -> None:
    """Show the version that the artist chose; when it cannot be, what is shown stays."""
    if node.version == node.shown:
        return
    try:
        version.show_version(node, node.version)
    except PlateMatteError as error:
        node.last_run = one_line(str(error))
        node.version = node.shown
    status.forget(node)


class CompositorNodePlateMatte(bpy.types.CompositorNodeCustomGroup):
    """Alpha and foreground from a plate and a clean plate."""

    # No copy() and no free(): a node_tree that is assigned there costs the original its own in 4.2
    # and 4.5. Copies share the inner tree until one of them shows something else.
    bl_idname = IDNAME
    bl_label = "PlateMatte"
    bl_icon = "MOD_MASK"
    bl_width_default = 240

    range: bpy.props.EnumProperty(
        name="Range",
        description="Which frames Matte Range mattes",
        items=(
            ("SCENE", "Scene", "The scene's frame range, with its step"),
            ("PLATE", "Plate", "All frames of the image sequence or movie clip of the plate"),
            ("CUSTOM", "Custom", "The frames written below"),
        ),
        default="SCENE",
    )
    frames: bpy.props.StringProperty(
        name="Frames",
        description="Frames of a custom range, as 1001-1100, 1001-1100x2 or 1001,1005,1010-1020",
    )
    clean_mode: bpy.props.EnumProperty(
        name="Clean Plate",
        description="Whether the clean plate has a frame for each of the plate's",
        items=(
            ("MOVING", "Moving", "The clean plate's frame of the same number"),
            ("HELD", "Held", "One frame of the clean plate for all frames"),
        ),
        default="HELD",
    )
    clean_frame: bpy.props.IntProperty(
        name="Clean Frame",
        description="Frame at which the clean plate is held",
        default=1,
    )
    quality: bpy.props.EnumProperty(
        name="Quality",
        description="Which network mattes, and whether alpha is steadied over time",
        items=(
            ("quality", "Quality", "The exact network; alpha is averaged along the motion"),
            ("fast", "Fast", "A smaller network, each frame by itself"),
        ),
        default="quality",
    )
    device: bpy.props.EnumProperty(
        name="Device",
        description="What the network runs on",
        items=(
            ("auto", "Auto", "A GPU where there is one that can do it, else the CPU"),
            ("cpu", "CPU", "The processor"),
            ("cuda", "CUDA", "An NVIDIA GPU"),
            ("mps", "Metal", "The GPU of a Mac"),
        ),
        default="auto",
    )
    layers: bpy.props.EnumProperty(
        name="Layers",
        description="What is written beside premultiplied foreground and alpha",
        items=(
            ("foreground", "Straight Foreground", "Foreground that is not premultiplied"),
            ("clean", "Clean Plate", "The clean plate as it was aligned and matched"),
            ("confidence", "Confidence", "How sure the network is of its alpha"),
            ("residual", "Residual", "Plate minus recomposition; only in the files"),
        ),
        options={"ENUM_FLAG"},
        default={"foreground", "clean", "confidence"},
    )
    align: bpy.props.BoolProperty(
        name="Align",
        description="Warp the clean plate onto each plate where the camera moved",
        default=True,
    )
    match: bpy.props.BoolProperty(
        name="Match Light",
        description="Match exposure and white balance of the clean plate to the plate",
        default=True,
    )
    cache_dir: bpy.props.StringProperty(
        name="Cache",
        description="Folder of the version folders; empty: platematte/NODE beside the .blend",
        subtype="DIR_PATH",
        options=compat.PATH_OPTIONS,
    )
    more_settings: bpy.props.StringProperty(
        name="More Settings",
        description="Settings of the engine as section.key=value, several with semicolons",
    )
    version: bpy.props.IntProperty(
        name="Version",
        description="The version that is shown; 0 shows none",
        min=0,
        update=_show_chosen,
        options=set(),
    )
    keep_inputs: bpy.props.BoolProperty(
        name="Keep Inputs",
        description="Keep the captured inputs beside the result",
    )

    # What is shown, and of a matte that is under way or has ended.
    last_run: bpy.props.StringProperty(options={"HIDDEN"})
    shown: bpy.props.IntProperty(options={"HIDDEN"})
    shown_frames: bpy.props.StringProperty(options={"HIDDEN"})
    shown_outputs: bpy.props.StringProperty(options={"HIDDEN"})
    made_with: bpy.props.StringProperty(options={"HIDDEN"})
    run_id: bpy.props.StringProperty(options={"HIDDEN"})

    @classmethod
    def poll(cls, node_tree: Any) -> bool:
        """Only in compositor trees."""
        return bool(node_tree.bl_idname == "CompositorNodeTree")

    def init(self, context: Any) -> None:
        """Give a new node its inner tree."""
        self.node_tree = inner_tree.make_tree()

    def draw_label(self) -> str:
        """Return the header's text."""
        return self.bl_label

    def draw_buttons(self, context: Any, layout: Any) -> None:
        """Draw the state, the buttons and the settings that change from shot to shot."""
        _draw_state(self, layout)
        _draw_range(self, layout)
        layout.prop(self, "quality")
        layout.prop(self, "version")

    def draw_buttons_ext(self, context: Any, layout: Any) -> None:
        """Draw everything, in the sidebar."""
        _draw_state(self, layout)
        _draw_range(self, layout)
        for name in ("quality", "device"):
            layout.prop(self, name)
        layout.column(heading="Layers").prop(self, "layers")
        for name in ("align", "match", "cache_dir", "version", "more_settings", "keep_inputs"):
            layout.prop(self, name)
        _operator(layout, "convert_to_group", self)


def _draw_state(node: Any, layout: Any) -> None:
    told = status.of(node)
    column = layout.column(align=True)
    for index, line in enumerate(status.wrap(told.text, node.width)):
        column.label(text=line, icon=told.icon if index == 0 else "BLANK1")
    if told.is_running:
        _operator(layout, "cancel", node)
        return
    row = layout.row(align=True)
    _operator(row, "matte_frame", node)
    _operator(row, "matte_range", node)
    if node.shown:
        _operator(layout, "open_folder", node)


def _draw_range(node: Any, layout: Any) -> None:
    layout.prop(node, "range")
    if node.range == "CUSTOM":
        layout.prop(node, "frames", text="")
    row = layout.row(align=True)
    row.prop(node, "clean_mode", text="")
    if node.clean_mode == "HELD":
        row.prop(node, "clean_frame", text="Frame")


def _operator(layout: Any, name: str, node: Any) -> None:
    operator = layout.operator("platematte." + name)
    operator.node, operator.tree = node.name, node.id_data.name


def _draw_add(menu: Any, context: Any) -> None:
    if getattr(context.space_data, "tree_type", "") == "CompositorNodeTree":
        operator = menu.layout.operator("node.add_node", text="PlateMatte")
        operator.type = IDNAME
        operator.use_transform = True


def register() -> None:
    """Register the node and its entry under Add > Keying."""
    bpy.utils.register_class(CompositorNodePlateMatte)
    bpy.types.NODE_MT_category_compositor_keying.append(_draw_add)


def unregister() -> None:
    """Take both away."""
    bpy.types.NODE_MT_category_compositor_keying.remove(_draw_add)
    bpy.utils.unregister_class(CompositorNodePlateMatte)
