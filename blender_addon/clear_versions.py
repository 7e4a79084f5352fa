"""The operator that deletes old versions, after a question that names what goes and what stays."""

from collections.abc import Iterable
from pathlib import Path

import bpy

from platematte_client.errors import PlateMatteError

from . import disk_panel, inner_tree, old_versions, running, status
from .disk import describe_bytes
from .find import find_node, our_nodes
from .old_versions import Fate
from .paragraphs import draw_paragraph
from .paths import read_cache

_WIDTH_PX = 560


class PLATEMATTE_OT_clear_versions(bpy.types.Operator):
    """Delete old versions after asking."""

    bl_idname = "platematte.clear_versions"
    bl_label = "Clear Old Versions"
    bl_description = (
        "Delete the versions that nothing in this file shows, writes or waits for, after a "
        "question that names them. Files that others put into their folders stay"
    )
    bl_options = {"REGISTER"}

    node: bpy.props.StringProperty(
        name="Node",
        description="Name of the PlateMatte node; empty: the active one, else the only one",
        options={"SKIP_SAVE"},
    )
    tree: bpy.props.StringProperty(
        name="Tree", description="Name of the tree that the node is in", options={"SKIP_SAVE"}
    )
    every: bpy.props.BoolProperty(
        name="All Nodes",
        description="Clear the cache folders of all PlateMatte nodes of the file",
        options={"SKIP_SAVE"},
    )
    confirmed: bpy.props.BoolProperty(
        name="Confirmed",
        description="Delete without asking. A script has to say so, since it cannot be asked",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask, unless there is nothing to delete."""
        if bpy.app.background or self.confirmed:
            return self.execute(context)
        try:
            self.fates = self._judge(context)
        except PlateMatteError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if all(fate.stays for fate in self.fates):
            self.report({"INFO"}, _describe(self.fates))
            return {"CANCELLED"}
        return context.window_manager.invoke_props_dialog(
            self, width=_WIDTH_PX, title="Delete Old Versions?", confirm_text="Delete"
        )

    def draw(self, context: bpy.types.Context) -> None:
        """Name what goes and what stays."""
        for cache in sorted({fate.folder.parent for fate in self.fates}):
            box = self.layout.box()
            draw_paragraph(box, str(cache), _WIDTH_PX)
            here = [fate for fate in self.fates if fate.folder.parent == cache]
            for words, chosen in (("Deletes", _going(here)), ("Keeps", _staying(here))):
                if chosen:
                    draw_paragraph(box, f"{words} {', '.join(map(str, chosen))}", _WIDTH_PX)
        self.layout.label(text="This cannot be undone", icon="ERROR")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete what was asked about, as far as nothing has come to use it since."""
        asked = {fate.folder for fate in getattr(self, "fates", ())}
        try:
            fates = self._judge(context)
            if asked:
                fates = [fate for fate in fates if fate.folder in asked or fate.stays]
            elif _going(fates) and not self.confirmed:
                raise PlateMatteError(
                    f"this would delete {', '.join(map(str, _going(fates)))}.",
                    "Set confirmed=True to delete them.",
                )
            remaining = old_versions.delete(fates)
        except PlateMatteError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            disk_panel.forget()
            for node in our_nodes():
                status.forget(node)
        self.report({"INFO"}, _describe(fates))
        if remaining:
            names = ", ".join(map(str, remaining))
            self.report({"WARNING"}, f"Files of others were left in {names}")
        return {"FINISHED"}

    def _judge(self, context: bpy.types.Context) -> list[Fate]:
        nodes = list(our_nodes()) if self.every else [find_node(context, self.node, self.tree)]
        return old_versions.judge(map(read_cache, nodes), folders_in_use(), bpy.data.filepath)


def folders_in_use() -> dict[Path, str]:
    """Return the folders that this file needs, each with the reason in words.

    By any image or clip that reads from them, too: those inside a node, those of nodes that were
    converted to groups, and those that the artist loaded by hand.
    """
    used: dict[Path, str] = {}
    for block in (*bpy.data.images, *bpy.data.movieclips):
        if block.filepath and block.users:
            path = Path(bpy.path.abspath(block.filepath, library=block.library))
            used[path.parent] = f"read by {block.name.lstrip('.')}"
    for node in our_nodes():
        folder = inner_tree.shown_folder(node)
        if folder is not None:
            used[folder] = f"shown by {node.name}"
    used.update((folder, "being written") for folder in running.folders())
    return used


def _going(fates: Iterable[Fate]) -> list[Fate]:
    return [fate for fate in fates if not fate.stays]


def _staying(fates: Iterable[Fate]) -> list[Fate]:
    return [fate for fate in fates if fate.stays]


def _describe(fates: Iterable[Fate]) -> str:
    gone = _going(fates)
    if not gone:
        return "There is no old version to delete"
    names = ", ".join(str(fate.folder) for fate in gone)
    return f"Deleted {describe_bytes(sum(fate.size for fate in gone))}: {names}"


def register() -> None:
    """Make the operator known to Blender."""
    bpy.utils.register_class(PLATEMATTE_OT_clear_versions)


def unregister() -> None:
    """Take it back."""
    bpy.utils.unregister_class(PLATEMATTE_OT_clear_versions)
