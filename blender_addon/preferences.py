"""The add-on's preferences: where the engine is, and what its doctor says.

The engine's path is used by everything that starts it; read it with `engine_path`.
"""

import threading

import bpy

from platematte_client import warm

from . import checkup
from .paragraphs import draw_paragraph
from .redraw import redraw

_POLL_S = 0.2
_latest: checkup.Checkup | None = None


def _forget_report(preferences: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    """Drop what the doctor said, or is about to say, of an engine that is not meant any more."""
    global _latest
    _latest = None


class PlateMattePreferences(bpy.types.AddonPreferences):
    """Where the engine is."""

    bl_idname = __package__

    engine_path: bpy.props.StringProperty(
        name="Engine",
        description=(
            "The program platematte, its Python, or the folder of its environment. Empty: the "
            "environment variable PLATEMATTE_ENGINE, then PATH and the usual places"
        ),
        subtype="FILE_PATH",
        update=_forget_report,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Show the path, the button, and what the doctor said."""
        # Paths are long, and the button is short.
        parts = self.layout.split(factor=0.85, align=True)
        parts.prop(self, "engine_path")
        draw_check(parts)
        report = latest_report()
        if report is not None:
            draw_report(self.layout, report, context.region.width)


def engine_path() -> str:
    """Return the path that the user gave, absolute; empty when the engine is to be looked for.

    Empty as well where the add-on runs without preferences, as in tests and in scripts that
    register it themselves.
    """
    addon = bpy.context.preferences.addons.get(__package__)
    path = getattr(addon.preferences, "engine_path", "") if addon is not None else ""
    return bpy.path.abspath(path.strip())


def is_checking() -> bool:
    """Whether the doctor is at work."""
    return _latest is not None and _latest.report is None


def latest_report() -> checkup.Report | None:
    """Return what the doctor said last; None when it was never asked, or is at work."""
    return _latest.report if _latest is not None else None


def draw_check(layout: bpy.types.UILayout) -> None:
    """Draw the button that asks the doctor; grey while it is at work."""
    row = layout.row(align=True)
    row.enabled = not is_checking()
    row.operator("platematte.check_engine", text="Checking" if is_checking() else "Check")


def draw_report(layout: bpy.types.UILayout, report: checkup.Report, width_px: int) -> None:
    """Draw what the doctor said: the headline, and what to do about what is wrong."""
    box = layout.box()
    box.label(text=report.headline, icon="CHECKMARK" if report.can_matte else "ERROR")
    for trouble in report.troubles:
        draw_paragraph(box, trouble, width_px)
    if report.program:
        draw_paragraph(box, report.program, width_px)


class PLATEMATTE_OT_check_engine(bpy.types.Operator):
    """Ask the engine what it can do here, and say what is wrong and what to do about it"""

    bl_idname = "platematte.check_engine"
    bl_label = "Check Engine"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin, and show the report in the preferences when it is there."""
        if bpy.app.background:
            return self.execute(context)
        if is_checking():
            self.report({"WARNING"}, "The engine is being checked already")
            return {"CANCELLED"}
        _begin()
        bpy.app.timers.register(_show_when_over, first_interval=_POLL_S)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Wait for the report, which takes seconds. A script gets what is wrong as an error."""
        check = _begin()
        check.wait()
        report = check.report
        assert report is not None
        self.report({"INFO"} if report.can_matte else {"ERROR"}, str(report))
        return {"FINISHED"} if report.can_matte else {"CANCELLED"}


class PLATEMATTE_OT_stop_engine(bpy.types.Operator):
    """End the engine's process."""

    bl_idname = "platematte.stop_engine"
    bl_label = "Stop Engine"
    bl_description = (
        "End the engine's process, which else stays warm until Blender ends. A matte under way "
        "fails; its finished frames are kept"
    )
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """End it without waiting: a running frame may take seconds."""
        if bpy.app.background:
            return self.execute(context)
        threading.Thread(target=warm.stop_engine, name="PlateMatte stop", daemon=True).start()
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """End it and wait until it is gone."""
        warm.stop_engine()
        return {"FINISHED"}


def _begin() -> checkup.Checkup:
    global _latest
    _latest = checkup.Checkup(engine_path())
    _latest.start()
    return _latest


def _show_when_over() -> float | None:
    """Redraw when the report is there. A timer's: returns the seconds to its next call, or None."""
    if is_checking():
        return _POLL_S
    redraw("PREFERENCES", "NODE_EDITOR")
    return None


_CLASSES = (PlateMattePreferences, PLATEMATTE_OT_check_engine, PLATEMATTE_OT_stop_engine)


def register() -> None:
    """Make the classes known to Blender."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them back."""
    if bpy.app.timers.is_registered(_show_when_over):
        bpy.app.timers.unregister(_show_when_over)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
