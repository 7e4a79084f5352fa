"""The sidebar of the compositor, tab PlateMatte: all nodes of the file, and the engine."""

from typing import Any

import bpy

from platematte_client import warm
from platematte_client.errors import PlateMatteError

from . import overview, preferences
from .editor import reveal, shows_compositor
from .find import find_node
from .icons import icon_of
from .paragraphs import draw_paragraph


class _Sidebar:
    """What the panels share."""

    bl_space_type, bl_region_type, bl_category = "NODE_EDITOR", "UI", "PlateMatte"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only in the compositor."""
        return shows_compositor(context)


class PLATEMATTE_PT_shots(_Sidebar, bpy.types.Panel):
    """The PlateMatte nodes of the file and what each of them shows."""

    bl_label = "Shots"
    bl_idname = "PLATEMATTE_PT_shots"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a box for each node."""
        shots = overview.list_shots()
        for shot in shots:
            _draw_shot(self.layout.box(), shot, context.region.width)
        if not shots:
            self.layout.label(text="No PlateMatte node in this file")
        self.layout.operator("platematte.new_comp", icon_value=icon_of())


class PLATEMATTE_PT_engine(_Sidebar, bpy.types.Panel):
    """The engine's process, and what its doctor says."""

    bl_label = "Engine"
    bl_idname = "PLATEMATTE_PT_engine"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        """Draw whether the engine is warm, and the buttons."""
        program = warm.running_program()
        # Halves, as a row makes them, would cut the program's name short.
        row = self.layout.split(factor=0.75, align=True) if program else self.layout.row()
        if program:
            row.label(text=f"Warm: {program}", icon="RADIOBUT_ON")
            row.operator("platematte.stop_engine", text="Stop")
        else:
            row.label(text="Starts with the next matte", icon="RADIOBUT_OFF")
        preferences.draw_check(self.layout)
        report = preferences.latest_report()
        if report is not None:
            preferences.draw_report(self.layout, report, context.region.width)


class PLATEMATTE_OT_reveal(bpy.types.Operator):
    """Show the node in this editor and select it"""

    bl_idname = "platematte.reveal"
    bl_label = "Reveal"
    bl_options = {"INTERNAL"}

    node: bpy.props.StringProperty(
        name="Node",
        description="Name of the PlateMatte node; empty: the active one, else the only one",
        options={"SKIP_SAVE"},
    )
    tree: bpy.props.StringProperty(
        name="Tree", description="Name of the tree that the node is in", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only in the compositor."""
        return shows_compositor(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Reveal it."""
        try:
            reveal(context, find_node(context, self.node, self.tree))
        except PlateMatteError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _draw_shot(layout: bpy.types.UILayout, shot: overview.Shot, width_px: int) -> None:
    row = layout.row(align=True)
    row.label(text=shot.name, icon=shot.icon)
    _button(row, "reveal", shot, text="", icon="VIEWZOOM")
    if shot.has_folder:
        _button(row, "open_folder", shot, text="", icon="FILE_FOLDER")
    if shot.progress is None:
        draw_paragraph(layout, shot.told, width_px)
        _button(layout, "matte_range", shot, text="Matte Range")
    else:
        layout.progress(factor=shot.progress, text=shot.told)
        _button(layout, "cancel", shot, text="Cancel")


def _button(layout: bpy.types.UILayout, name: str, shot: overview.Shot, **look: Any) -> None:
    button = layout.operator(f"platematte.{name}", **look)
    button.node, button.tree = shot.node, shot.tree


_CLASSES = (PLATEMATTE_OT_reveal, PLATEMATTE_PT_shots, PLATEMATTE_PT_engine)


def register() -> None:
    """Make the panels known to Blender."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them back."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
