"""The operator that makes a comp from two files: it asks for them one after the other, in Blender's
file browser, whose button then says what is being chosen.
"""

from pathlib import Path

import bpy

from platematte_client.errors import PlateMatteError

from . import compat, template
from .icons import icon_of


class PLATEMATTE_OT_new_comp(bpy.types.Operator):
    """Build a ready comp from two files."""

    bl_idname = "platematte.new_comp"
    bl_label = "New Comp from Plate and Clean Plate"
    bl_description = (
        "Build a ready comp from the files of a plate and a clean plate: both, a PlateMatte node, "
        "Alpha Over a background, output and viewer. Sets the scene's frame range, size and frame "
        "rate to the plate's"
    )
    bl_options = {"REGISTER", "UNDO"}

    plate: bpy.props.StringProperty(
        name="Plate",
        description="Movie, still, or any frame of the sequence that has the subject",
        subtype="FILE_PATH",
        options={"SKIP_SAVE", *compat.PATH_OPTIONS},
    )
    clean: bpy.props.StringProperty(
        name="Clean Plate",
        description="Movie, still, or any frame of the sequence of the set without the subject",
        subtype="FILE_PATH",
        options={"SKIP_SAVE", *compat.PATH_OPTIONS},
    )
    replace: bpy.props.BoolProperty(
        name="Replace",
        description="Take the place of nodes that are in the scene's compositor already",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the files that are not named yet, then whether to replace what is there."""
        if bpy.app.background:
            return self.execute(context)
        # The browsers are modal and this operator is not: Blender would keep it for ever.
        if not self.plate:
            bpy.ops.platematte.choose_plate("INVOKE_DEFAULT")
            return {"INTERFACE"}
        if not self.clean:
            bpy.ops.platematte.choose_clean("INVOKE_DEFAULT", plate=self.plate)
            return {"INTERFACE"}
        if self.replace or not template.has_graph(context.scene):
            return self.execute(context)
        self.replace = True
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Replace the Compositor's Nodes?",
            message=_describe_replacing(context.scene),
            confirm_text="Replace",
            icon="WARNING",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Build it. A script gets what cannot be done as an error."""
        try:
            comp = template.new_comp(context.scene, self.plate, self.clean, self.replace)
        except PlateMatteError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "; ".join(comp.told))
        for text in comp.warnings:
            self.report({"WARNING"}, text)
        return {"FINISHED"}


class _Chooser:
    """What both file browsers share."""

    filepath: bpy.props.StringProperty(
        name="File",
        description="Movie, still, or any frame of a sequence",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_folder: bpy.props.BoolProperty(
        name="Folders", description="List folders", default=True, options={"HIDDEN", "SKIP_SAVE"}
    )
    filter_image: bpy.props.BoolProperty(
        name="Images", description="List images", default=True, options={"HIDDEN", "SKIP_SAVE"}
    )
    filter_movie: bpy.props.BoolProperty(
        name="Movies", description="List movies", default=True, options={"HIDDEN", "SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file browser."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class PLATEMATTE_OT_choose_plate(_Chooser, bpy.types.Operator):
    """Choose the file of the plate, the shot with the subject, for a new comp"""

    bl_idname = "platematte.choose_plate"
    bl_label = "Take as Plate"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Go on with the clean plate."""
        return bpy.ops.platematte.choose_clean("INVOKE_DEFAULT", plate=self.filepath)


class PLATEMATTE_OT_choose_clean(_Chooser, bpy.types.Operator):
    """Choose the file of the clean plate, the set without the subject, for a new comp"""

    bl_idname = "platematte.choose_clean"
    bl_label = "Take as Clean Plate"
    # An operator that is called by another leaves no undo step of its own.
    bl_options = {"INTERNAL", "UNDO"}

    plate: bpy.props.StringProperty(
        name="Plate", description="The plate, chosen before", options={"HIDDEN", "SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file browser where the plate lies: the clean plate is mostly near it."""
        self.filepath = str(Path(self.plate).parent) + "/"
        return super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Build the comp."""
        return bpy.ops.platematte.new_comp("INVOKE_DEFAULT", plate=self.plate, clean=self.filepath)


def _describe_replacing(scene: bpy.types.Scene) -> str:
    count = template.count_nodes(scene)
    noun = "node" if count == 1 else "nodes"
    fate = (
        "They stay in the file as a node group of their own"
        if compat.IS_5
        else "They are deleted; Undo brings them back"
    )
    return f"The compositor of {scene.name} has {count} {noun}. {fate}"


def draw_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Add the operator to the menu Node of the compositor; other node editors get nothing."""
    if getattr(context.space_data, "tree_type", "") == "CompositorNodeTree":
        self.layout.separator()
        self.layout.operator("platematte.new_comp", icon_value=icon_of())


_CLASSES = (PLATEMATTE_OT_new_comp, PLATEMATTE_OT_choose_plate, PLATEMATTE_OT_choose_clean)


def register() -> None:
    """Make the operators known to Blender, and show one in the menu Node."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.NODE_MT_node.append(draw_menu)


def unregister() -> None:
    """Take all of it back."""
    bpy.types.NODE_MT_node.remove(draw_menu)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
