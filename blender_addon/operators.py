"""The node's buttons as operators, for the user interface and for scripts."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from platematte_client.errors import Cancelled, PlateMatteError
from platematte_client.versions import frames_in

from . import inner_tree, running, status
from .find import find_node
from .job import Job

_BETWEEN_STEPS_S = 0.05
_PARTS = 1000
"""Of the progress at the mouse pointer."""


class _OfNode:
    """What all operators about a node share."""

    # Of the operator that this is a part of.
    report: Any
    bl_label: str
    bl_options: ClassVar[set[str]] = {"REGISTER"}
    node: bpy.props.StringProperty(
        name="Node", description="Name of the node; empty: the active one", options={"SKIP_SAVE"}
    )
    tree: bpy.props.StringProperty(
        name="Tree", description="Name of the tree that it is in", options={"SKIP_SAVE"}
    )

    def _find(self, context: Any) -> Any:
        return find_node(context, self.node, self.tree)

    def _refuse(self, error: Exception) -> set[str]:
        # In a script this raises RuntimeError with the same text.
        self.report({"ERROR"}, str(error))
        return {"CANCELLED"}


class _Matte(_OfNode):
    """Runs a job: modal where there is a window, to its end where there is none."""

    _job: Job | None = None
    _timer: Any = None

    def _frames(self, context: Any) -> tuple[int, ...] | None:
        raise NotImplementedError

    def _begin(self, context: Any) -> Job:
        node = self._find(context)
        try:
            return Job(node, self._frames(context), context.scene)
        except PlateMatteError as error:
            if running.job_of(node) is None:
                node.last_run = str(error)
                status.forget(node)
            raise

    def execute(self, context: Any) -> set[str]:
        """Matte and return when it is done; a failure is reported as an error."""
        try:
            job = self._begin(context)
            job.run(_print if bpy.app.background else None)
        except PlateMatteError as error:
            return self._refuse(error)
        self._tell_end(job)
        return {"FINISHED"}

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Begin, and go on by a timer."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            self._job = self._begin(context)
        except PlateMatteError as error:
            return self._refuse(error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(_BETWEEN_STEPS_S, window=context.window)
        manager.progress_begin(0, _PARTS)
        manager.modal_handler_add(self)
        _show_progress(context, self._job)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Do a slice of the work at each tick of the timer; everything else passes through."""
        job = self._job
        assert job is not None
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        # While the user renders, Blender takes no second render.
        elif not bpy.app.is_job_running("RENDER"):
            job.step()
        if not job.has_ended:
            _show_progress(context, job)
            return {"PASS_THROUGH"}
        self._clean_up(context)
        return self._finish(job)

    def cancel(self, context: Any) -> None:
        """Blender loads another file or quits."""
        if self._job is not None:
            self._job.cancel()
        self._clean_up(context)

    def _finish(self, job: Job) -> set[str]:
        if isinstance(job.error, Cancelled):
            self.report({"WARNING"}, f"PlateMatte: cancelled, {_count(job)} finished")
            return {"CANCELLED"}
        if job.error is not None:
            return self._refuse(job.error)
        self._tell_end(job)
        return {"FINISHED"}

    def _tell_end(self, job: Job) -> None:
        for warning in job.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"PlateMatte: v{job.version:03d}, {_count(job)}")

    def _clean_up(self, context: Any) -> None:
        manager = context.window_manager
        if self._timer is not None:
            manager.event_timer_remove(self._timer)
            self._timer = None
            manager.progress_end()
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        _redraw(context)


class PLATEMATTE_OT_matte_frame(_Matte, bpy.types.Operator):
    """Matte the current frame into a new version"""

    bl_idname = "platematte.matte_frame"
    bl_label = "Matte Frame"

    def _frames(self, context: Any) -> tuple[int, ...] | None:
        return (context.scene.frame_current,)


class PLATEMATTE_OT_matte_range(_Matte, bpy.types.Operator):
    """Matte the node's range into a new version"""

    bl_idname = "platematte.matte_range"
    bl_label = "Matte Range"

    def _frames(self, context: Any) -> tuple[int, ...] | None:
        return None


class PLATEMATTE_OT_cancel(_OfNode, bpy.types.Operator):
    """End the matte that is under way; frames that are finished are kept"""

    bl_idname = "platematte.cancel"
    bl_label = "Cancel"

    def execute(self, context: Any) -> set[str]:
        """End it; the modal operator tidies up at its next tick."""
        if running.current is None:
            self.report({"ERROR"}, "there is no matte under way.")
            return {"CANCELLED"}
        running.current.cancel()
        return {"FINISHED"}


class PLATEMATTE_OT_open_folder(_OfNode, bpy.types.Operator):
    """Open the folder of the version that is shown"""

    bl_idname = "platematte.open_folder"
    bl_label = "Open Folder"

    def execute(self, context: Any) -> set[str]:
        """Show it in the system's file browser."""
        try:
            node = self._find(context)
            folder = inner_tree.shown_folder(node)
            if folder is None:
                raise PlateMatteError("this node shows no version yet.", "Press Matte Frame.")
            if not folder.is_dir():
                raise PlateMatteError(f"{folder}: this folder is gone.", "Matte again.")
        except PlateMatteError as error:
            return self._refuse(error)
        return bpy.ops.wm.path_open(filepath=str(folder))


class PLATEMATTE_OT_convert_to_group(_OfNode, bpy.types.Operator):
    """Replace the node by a plain group that renders the same where the add-on is missing"""

    bl_idname = "platematte.convert_to_group"
    bl_label = "Convert to Group"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Replace it."""
        try:
            node = self._find(context)
            if running.job_of(node) is not None:
                raise PlateMatteError("this node is being matted.", "Wait, or press Cancel.")
            inner_tree.to_plain_group(node)
        except PlateMatteError as error:
            return self._refuse(error)
        return {"FINISHED"}


def _count(job: Job) -> str:
    # On the disk: the engine may have finished more than it had told when it was cancelled.
    count = len(frames_in(job.folder))
    return "1 frame" if count == 1 else f"{count} frames"


def _print(told: str) -> None:
    print("PlateMatte: " + told, flush=True)


def _show_progress(context: Any, job: Job) -> None:
    context.window_manager.progress_update(int(_PARTS * job.progress))
    if context.workspace is not None:
        context.workspace.status_text_set(f"PlateMatte {job.told}   Esc: cancel")
    _redraw(context)


def _redraw(context: Any) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "NODE_EDITOR":
                area.tag_redraw()


_CLASSES = (
    PLATEMATTE_OT_matte_frame,
    PLATEMATTE_OT_matte_range,
    PLATEMATTE_OT_cancel,
    PLATEMATTE_OT_open_folder,
    PLATEMATTE_OT_convert_to_group,
)


def register() -> None:
    """Register the operators."""
    for one in _CLASSES:
        bpy.utils.register_class(one)


def unregister() -> None:
    """Take them away."""
    for one in reversed(_CLASSES):
        bpy.utils.unregister_class(one)
