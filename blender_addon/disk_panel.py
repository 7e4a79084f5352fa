"""Disk use of the cache folders, in the compositor's sidebar: measured when asked for."""

import bpy

from .disk import Survey, describe_bytes
from .editor import shows_compositor
from .find import our_nodes
from .paragraphs import draw_paragraph
from .paths import read_cache
from .redraw import redraw

_POLL_S = 0.2
_survey: Survey | None = None


def forget() -> None:
    """Forget what was measured: it is not so any more."""
    global _survey
    _survey = None


def survey() -> Survey | None:
    """Return the measuring that is under way or done."""
    return _survey


class PLATEMATTE_OT_measure_disk(bpy.types.Operator):
    """Measure what the cache folders of all PlateMatte nodes of this file take on the disk"""

    bl_idname = "platematte.measure_disk"
    bl_label = "Measure Disk Use"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin, and show the result in the sidebar when it is there."""
        if bpy.app.background:
            return self.execute(context)
        _begin()
        bpy.app.timers.register(_show_when_over, first_interval=_POLL_S)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Wait for the result."""
        measured = _begin()
        measured.wait()
        for usage in measured.usages or ():
            self.report({"INFO"}, f"{usage.cache}: {usage.describe()}")
        return {"FINISHED"}


class PLATEMATTE_PT_disk(bpy.types.Panel):
    """What the versions take on the disk, and how to be rid of the old ones."""

    bl_label = "Disk Use"
    bl_idname = "PLATEMATTE_PT_disk"
    bl_space_type, bl_region_type, bl_category = "NODE_EDITOR", "UI", "PlateMatte"
    bl_order = 3

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only in the compositor."""
        return shows_compositor(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what was measured, and the buttons."""
        layout, known = self.layout, survey()
        if known is None:
            layout.operator("platematte.measure_disk", icon="DISK_DRIVE")
        elif known.usages is None:
            layout.label(text="Measuring")
        else:
            for usage in known.usages:
                draw_paragraph(
                    layout.box(), f"{usage.cache}\n{usage.describe()}", context.region.width
                )
            total = sum(usage.total for usage in known.usages)
            row = layout.row()
            row.label(text=f"All: {describe_bytes(total)}")
            row.operator("platematte.measure_disk", text="", icon="FILE_REFRESH")
        layout.operator("platematte.clear_versions", icon="TRASH").every = True


def _begin() -> Survey:
    global _survey
    _survey = Survey([read_cache(node) for node in our_nodes()])
    _survey.start()
    return _survey


def _show_when_over() -> float | None:
    """Redraw when it is measured. A timer's: returns the seconds to its next call, or None."""
    if _survey is not None and _survey.usages is None:
        return _POLL_S
    redraw("NODE_EDITOR")
    return None


@bpy.app.handlers.persistent
def _forget_on_load(*_: object) -> None:
    forget()


_CLASSES = (PLATEMATTE_OT_measure_disk, PLATEMATTE_PT_disk)


def register() -> None:
    """Make the classes known to Blender."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.app.handlers.load_post.append(_forget_on_load)


def unregister() -> None:
    """Take all of it back."""
    bpy.app.handlers.load_post.remove(_forget_on_load)
    if bpy.app.timers.is_registered(_show_when_over):
        bpy.app.timers.unregister(_show_when_over)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    forget()
