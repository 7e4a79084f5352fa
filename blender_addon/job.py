"""A matte as a state machine: checks, capture frame by frame, engine, result.

`step` is one short slice of work on Blender's main thread. Between two steps nothing of Blender's
is held but names, and whatever made or removed data-blocks has left an undo step, so that undo,
loading, renaming and deleting cannot hurt. The engine is waited for on a thread of its own, which
never touches Blender and tells by a queue.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import bpy

from platematte_client import versions, warm
from platematte_client.errors import Cancelled, PlateMatteError, internal_error, one_line
from platematte_client.frames import format_frames
from platematte_client.messages import Progress
from platematte_client.pace import Pace, describe_seconds

from . import capture, inner_tree, running, stale, status, undo, version
from .engine_run import EngineRun, name_inputs, tidy_up
from .find import Place, place_of
from .order import read_order
from .preferences import engine_path
from .record import INPUTS, host_name, make_job, write_record
from .upstream import check_sources, check_space, check_writable

_PATIENCE_S = 0.02
_BETWEEN_RELOADS_S = 2.0
_SHARE_OF_CAPTURE = 0.3
"""Of the time of a frame, for the progress bar."""
WARNING = "warning: "
UNDO_STEP = "PlateMatte Result"


class State(Enum):
    """What the next step does."""

    MEASURE = "measure"
    CAPTURE = "capture"
    COMPUTE = "compute"
    ENDED = "ended"


class Task(NamedTuple):
    """A frame to capture, and of which inputs."""

    frame: int
    roles: tuple[str, ...]


class Job:
    """One matte. Make it, call `step` until `has_ended`; main thread only."""

    def __init__(
        self,
        node: Any,
        frames: tuple[int, ...] | None = None,
        scene: Any = None,
        is_to_run: bool = True,
    ) -> None:
        """Check the order and make the version folder; frames: instead of the node's range.

        scene: the one that is meant where several show the node. is_to_run: whether the engine
        follows the capture. Raises PlateMatteError; then nothing is left behind.
        """
        if running.current is not None:
            raise PlateMatteError(
                f"{running.current.ticket.node_name!r} is being matted.", "Wait, or press Cancel."
            )
        place = place_of(node, scene)
        self.order = read_order(place, frames)
        self._command = warm.locate(engine_path()) if is_to_run else None
        check_sources(place, {role: self.order.frames_of(role) for role in self.order.roles})
        self._made_with = stale.describe_making(place, self.order)
        self.version, self.folder = versions.make_version(self.order.cache)
        self._inputs = self.folder / INPUTS
        try:
            _make_folder(self._inputs)
        except PlateMatteError:
            versions.abandon(self.folder)
            raise
        self.ticket = running.Ticket(node)
        self.ticket.mark(node)
        self.state = State.MEASURE
        self.error: Exception | None = None
        """Why it ended, when not well."""
        self.warnings: list[str] = []
        self.done: list[int] = []
        """Frames that are finished, as the engine told them."""
        self.told = ""
        """How far it is, in words."""
        self._scene_name = place.scene.name
        self._tasks = _plan(self.order.frames, self.order.roles, self.order.clean_frame)
        self._captured = 0
        self._sizes: dict[str, capture.Size] = {}
        self._pace = Pace()
        self._engine: EngineRun | None = None
        self._next_reload = 0.0
        self._was_shown = False
        self._tell(f"captures {format_frames(self.order.frames)}")
        node.last_run = ""
        running.begin(self)

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to do."""
        return self.state is State.ENDED

    @property
    def progress(self) -> float:
        """How far it is, 0 to 1."""
        captured = self._captured / len(self._tasks)
        computed = len(self.done) / len(self.order.frames)
        if self._command is None:
            return captured
        return _SHARE_OF_CAPTURE * captured + (1 - _SHARE_OF_CAPTURE) * computed

    def step(self) -> None:
        """Do one short slice of the work; what goes wrong ends the job and is in `error`."""
        try:
            _STEPS[self.state](self)
        except PlateMatteError as error:
            self._end(error)
        except OSError as error:
            self._end(
                PlateMatteError(
                    f"{error.filename or self.folder}: {error.strerror}.",
                    "Check permissions and free space of the cache folder.",
                )
            )
        except Exception as error:
            # A fault of ours: for the artist a sentence, for a report to us the rest.
            _print_trace(error)
            self._end(internal_error(error))

    def run(self, on_told: Callable[[str], None] | None = None) -> None:
        """Do all of it and return when it has ended. Raises PlateMatteError, Cancelled."""
        told = ""
        try:
            while not self.has_ended:
                self.step()
                if on_told is not None and self.told != told:
                    told = self.told
                    on_told(told)
                if self._engine is not None and not self.has_ended:
                    self._engine.wait(_PATIENCE_S)
        finally:
            # Also on Ctrl-C in a terminal: the node must not stay under way for ever.
            self.cancel()
        if self.error is not None:
            raise self.error

    def cancel(self) -> None:
        """End it at once for the user; frames that are finished are kept."""
        if not self.has_ended:
            self._end(Cancelled("cancelled."))

    def _place(self) -> Place:
        node = self.ticket.find()
        if node is None:
            raise PlateMatteError(f"the node {self.ticket.node_name!r} was deleted.")
        place = place_of(node, bpy.data.scenes.get(self._scene_name))
        self._scene_name = place.scene.name
        return place

    def _measure(self) -> None:
        place, order = self._place(), self.order
        first = {role: order.frames_of(role)[0] for role in order.roles}
        self._sizes = capture.measure(place, first, self._inputs)
        self._check_space()
        self.state = State.CAPTURE

    def _check_space(self) -> None:
        pixels = [self._sizes[role] for task in self._tasks for role in task.roles]
        check_space(self._inputs, pixels)

    def _capture(self) -> None:
        task = self._tasks[self._captured]
        files = capture.capture(self._place(), task.roles, task.frame, self._inputs, self._sizes)
        if "clean" in files and self.order.clean_frame is not None:
            files["clean"].replace(self._inputs / "clean.exr")
        self._captured += 1
        self._tell(f"captured {self._captured} of {len(self._tasks)}")
        if self._captured == len(self._tasks):
            self._begin_to_compute()

    def _begin_to_compute(self) -> None:
        place, order = self._place(), self.order
        changed = stale.changed_roles(
            self._made_with["inputs"], stale.describe_making(place, order)["inputs"]
        )
        if changed:
            self._made_with[stale.DURING] = changed
        job = make_job(self.ticket.id, order, self.folder)
        write_record(self.ticket.node_name, job, order, self.folder, self._made_with)
        if self._command is None:
            self._end(None)
            return
        self._engine = EngineRun(job, self._command, order.space.config, host_name(), self.folder)
        self._engine.keeps_inputs = order.keep_inputs
        self._engine.start()
        self.state = State.COMPUTE
        self._tell("waits for the engine")

    def _compute(self) -> None:
        engine = self._engine
        assert engine is not None
        # Asked before the news is read: what it told before its end is read then.
        has_ended = engine.has_ended
        finished = [told.frame for told in engine.news() if self._note(told)]
        self.done += [frame for frame in finished if frame is not None]
        # The end follows the last frame at once, and shows all of them.
        if finished and len(self.done) < len(self.order.frames):
            self._show()
        if has_ended:
            self._end(engine.error)

    def _note(self, told: Progress) -> bool:
        """Take news in; return whether a frame is finished."""
        self._pace.note(told)
        total = len(self.order.frames)
        if told.kind == "stage":
            self._tell(told.message)
        elif told.kind == "warning":
            frame = "" if told.frame is None else f"frame {told.frame}: "
            self.warnings.append(frame + name_inputs(told.message, self.folder))
        else:
            left = self._pace.seconds_left()
            rest = "" if left is None else f", {describe_seconds(left)} left"
            self._tell(f"{told.done} of {total} frames{rest}")
        return told.kind == "frame"

    def _tell(self, words: str) -> None:
        self.told = f"v{self.version:03d}: {words}"

    def _show(self) -> None:
        """Show the frames that are finished so far.

        Who undoes that, or has the node show another version, is not disturbed before the end.
        """
        node = self.ticket.find()
        if node is None:
            return
        if not self._was_shown:
            self._was_shown = True
            self._show_version(node)
            return
        if inner_tree.shown_folder(node) != self.folder:
            return
        if version.show_more(node, self.folder):
            undo.leave_step(UNDO_STEP)
        scene, now = bpy.data.scenes.get(self._scene_name), time.monotonic()
        at_hand = scene is not None and scene.frame_current in self.done[-1:]
        if at_hand or now >= self._next_reload:
            self._next_reload = now + _BETWEEN_RELOADS_S
            inner_tree.reload(node)

    def _show_version(self, node: Any) -> None:
        version.show_folder(node, self.folder, self.version)
        undo.leave_step(UNDO_STEP)

    def _end(self, error: Exception | None) -> None:
        self.state = State.ENDED
        self.error = error
        running.end(self)
        if self._engine is None and self._command is not None:
            tidy_up(self.folder, keeps_inputs=False)
        elif self._engine is None and error is not None:
            versions.abandon(self.folder)
        elif self._engine is not None:
            self._engine.cancel()
        try:
            self._leave_word()
        except PlateMatteError as trouble:
            self.error = self.error or trouble

    def _leave_word(self) -> None:
        """Show what there is, and say in the node how it ended."""
        node = self.ticket.find()
        there = versions.frames_in(self.folder)
        if node is None:
            kept = f"its frames {format_frames(there)} are in {self.folder}." if there else ""
            if self._engine is not None and there:
                self.error = PlateMatteError(
                    f"the node {self.ticket.node_name!r} is gone; {kept}",
                    "Set the cache folder of another node to "
                    f"{self.folder.parent} and its Version to {self.version}.",
                )
            return
        node.run_id = ""
        node.last_run = self._tell_end(there)
        status.forget(node)
        if there and self._engine is not None:
            self._show_version(node)

    def _tell_end(self, there: tuple[int, ...]) -> str:
        if self.error is not None:
            kept = f" Frames {format_frames(there)} are in v{self.version:03d}." if there else ""
            return one_line(str(self.error)) + kept
        if not self.warnings:
            return ""
        more = len(self.warnings) - 1
        words = f" (and {more} more warning{'s' if more > 1 else ''})" if more else ""
        return WARNING + self.warnings[0] + words


def _print_trace(error: Exception) -> None:
    # Not print_exc: it looks for names that may have been meant, in an object of Blender's that may
    # be gone, and Blender ended over that once.
    trace = "".join(traceback.format_tb(error.__traceback__))
    print(f"{trace}{type(error).__name__}: {error}", file=sys.stderr, flush=True)


def _plan(frames: tuple[int, ...], roles: tuple[str, ...], clean_frame: int | None) -> list[Task]:
    """Return what is captured, in order: a clean plate that is held once, and first."""
    if clean_frame is None:
        return [Task(frame, roles) for frame in frames]
    moving = tuple(role for role in roles if role != "clean")
    return [Task(clean_frame, ("clean",)), *(Task(frame, moving) for frame in frames)]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        raise PlateMatteError(
            f"{folder}: it cannot be made: {error.strerror}.",
            "Check permissions and free space, or choose another cache folder.",
        ) from error
    check_writable(folder)


_STEPS: dict[State, Callable[[Job], None]] = {
    State.MEASURE: Job._measure,
    State.CAPTURE: Job._capture,
    State.COMPUTE: Job._compute,
    State.ENDED: lambda job: None,
}
