"""A matte from the press of the button to the Read: export, engine, read back.

The export and the end run on Nuke's main thread, and so does every call of Nuke's. The engine is
waited for on a thread of its own, or, for a script that wants to wait, right here.
"""

from __future__ import annotations

import re
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Callable, Optional, Tuple

import nuke

from platematte_client import versions, warm
from platematte_client.errors import Cancelled, PlateMatteError, internal_error, one_line
from platematte_client.frames import format_frames
from platematte_client.messages import Progress

from . import readback, running
from .edits import set_quietly, unrecorded
from .export import export_inputs
from .node import INPUTS, ROLE_WORDS, check_ours, read_order
from .progress import BackgroundProgress, DirectProgress
from .record import make_jobs, make_record
from .running import Run
from .troubleshoot import REPORT


def run_and_wait(node: nuke.Node, frames: Optional[Tuple[int, ...]] = None) -> Run:
    """Matte, and return when all is done. Main thread only; raises PlateMatteError."""
    run = _prepare(node, frames)
    try:
        with DirectProgress(run) as progress:
            _compute(run, progress.show, progress.is_cancelled)
    finally:
        # Also on Ctrl-C in a terminal: the node must not stay under way for ever.
        error = _finish(run)
    if error is not None:
        raise error
    return run


def run_in_background(
    node: nuke.Node,
    frames: Optional[Tuple[int, ...]],
    on_end: Callable[[Run], None],
) -> Run:
    """Export, then matte on a thread; on_end is called on the main thread when all is done.

    Raises PlateMatteError for what is wrong before the engine starts; later errors are the run's.
    """
    if not nuke.GUI:
        raise PlateMatteError("there is no event loop in nuke -t.", "Call run with wait=True.")
    run = _prepare(node, frames)
    progress = BackgroundProgress(run)

    def finish() -> None:
        progress.close()
        try:
            _finish(run)
        finally:
            # Whoever waits for the end must hear of it, or a queue would stand still.
            on_end(run)

    def work() -> None:
        _compute(run, progress.show, progress.is_cancelled)
        nuke.executeInMainThread(finish)

    threading.Thread(target=work, name="PlateMatte " + run.name, daemon=True).start()
    return run


def write_job(node: nuke.Node, frames: Optional[Tuple[int, ...]] = None) -> Path:
    """Export the inputs into a new version folder and write its job file, without running it.

    Returns the path of job.json: under "command" it has the command line for a farm, which writes
    the frames beside it. The exported inputs stay.
    """
    run = _prepare(node, frames, is_to_run=False)
    return run.folder / versions.RECORD


def _prepare(node: nuke.Node, frames: Optional[Tuple[int, ...]], is_to_run: bool = True) -> Run:
    """Check, make the version folder, export the inputs and write the record."""
    check_ours(node)
    if running.run_of(node) is not None:
        raise PlateMatteError("this node is being matted already.", "Wait, or press Cancel.")
    order = read_order(node, frames)
    command = warm.locate(order.engine) if is_to_run else []
    version, folder = versions.make_version(order.cache)
    run = Run(node, order, version, folder)
    run.command = command
    set_quietly(node, status="v{:03d}: exporting {}".format(version, format_frames(order.frames)))
    try:
        patterns = export_inputs(node, order, folder / "inputs")
        run.jobs = make_jobs(run, patterns)
        versions.write_record(folder, make_record(node, run))
    except OSError as error:
        _give_up(node, folder)
        raise PlateMatteError(
            "{}: the job's files cannot be written: {}.".format(folder, error.strerror),
            "Check permissions and free space of the cache folder.",
        ) from error
    except BaseException:
        _give_up(node, folder)
        raise
    if is_to_run:
        with unrecorded():
            running.begin(run, node["run_id"])
            node["last_run"].setValue("")
            node["status"].setValue("v{:03d}: waiting for the engine".format(version))
    else:
        readback.refresh(node)
    return run


def _give_up(node: nuke.Node, folder: Path) -> None:
    # Nothing was computed, so that nothing is lost with the folder.
    versions.abandon(folder)
    readback.refresh(node)


def _compute(run: Run, show: Callable[[Progress], None], is_cancelled: Callable[[], bool]) -> None:
    """Run the engine; how it ended is noted in the run. Any thread: nothing here is Nuke's."""
    teller, ocio = _Teller(run, show), run.order.space.config
    try:
        for index, one in enumerate(run.jobs):
            teller.begin_view(index)
            warm.run_job(one, run.command, ocio, run.host, teller.tell, is_cancelled)
    except Cancelled as error:
        run.error = error
    except PlateMatteError as error:
        run.error = PlateMatteError(teller.view_words + _name_inputs(run, str(error)))
    except Exception as error:
        # A fault of ours: it must not leave the node waiting for ever.
        run.error = internal_error(error, REPORT)
    except BaseException:
        run.error = Cancelled("cancelled.")
        raise


class _Teller:
    """Tells the progress of one view as that of all; keeps warnings and the pace of frames."""

    def __init__(self, run: Run, show: Callable[[Progress], None]) -> None:
        self._run, self._show = run, show
        self._index = 0
        self._earlier_s = self._seconds = 0.0
        self.view_words = ""

    def begin_view(self, index: int) -> None:
        """Count on from the views before."""
        views = self._run.order.views
        self._index, self._earlier_s = index, self._earlier_s + self._seconds
        self.view_words = "view {}: ".format(views[index]) if len(views) > 1 else ""

    def tell(self, progress: Progress) -> None:
        """Pass progress on."""
        self._seconds = progress.seconds
        if progress.kind == "warning":
            frame = "" if progress.frame is None else "frame {}: ".format(progress.frame)
            told = self.view_words + frame + _name_inputs(self._run, progress.message)
            self._run.warnings.append(told)
        told_of_all = replace(
            progress,
            done=progress.done + self._index * progress.total,
            total=progress.total * len(self._run.order.views),
            seconds=progress.seconds + self._earlier_s,
        )
        self._run.pace.note(told_of_all)
        self._show(told_of_all)


def _name_inputs(run: Run, text: str) -> str:
    """Return a text of the engine's with inputs in the place of exported files.

    An artist knows nothing of those files, and they are gone when the text is read.
    """

    def name(match: "re.Match[str]") -> str:
        role = match.group(1)
        return "{} (input {})".format(ROLE_WORDS[role], INPUTS[role])

    inputs = re.escape((run.folder / "inputs").as_posix() + "/")
    pattern = r"({})(?:\.[-\w#]+)*?\.exr".format("|".join(INPUTS))
    return re.sub(inputs + pattern, name, text)


def _finish(run: Run) -> Optional[Exception]:
    """Tidy up and show the result, or say why there is none; returns the error. Main thread."""
    try:
        node = running.find_node(run)
        if node is None:
            run.error = run.error or PlateMatteError(
                "the node {} is gone; its frames are in {}.".format(run.name, run.folder),
                "platematte_nuke.attach shows them in another node.",
            )
            return run.error
        set_quietly(node, last_run=_tell_end(run), run_id="")
        if run.error is None:
            readback.show_version(node, run.order.cache, run.version)
        else:
            readback.refresh(node)
    except PlateMatteError as error:
        run.error = run.error or error
    except Exception as error:
        nuke.tprint(traceback.format_exc())
        run.error = run.error or internal_error(error, REPORT)
    finally:
        _remove_inputs(run)
        running.end(run)
    return run.error


def _remove_inputs(run: Run) -> None:
    if run.order.keep_inputs:
        return
    try:
        versions.remove_inputs(run.folder)
    except OSError as error:
        # The matte is there all the same; what is left only takes space.
        nuke.tprint("PlateMatte: {}: left there: {}".format(run.folder / "inputs", error))


def _tell_end(run: Run) -> str:
    if run.error is None:
        return _tell_warnings(run)
    done = versions.frames_in(run.folder)
    kept = ""
    if done:
        kept = " Frames {} are in v{:03d}; set Version to {} to see them.".format(
            format_frames(done), run.version, run.version
        )
    return one_line(str(run.error)) + kept


def _tell_warnings(run: Run) -> str:
    if not run.warnings:
        return ""
    more = len(run.warnings) - 1
    words = " (and {} more warning{})".format(more, "s" if more > 1 else "") if more else ""
    return running.WARNING + run.warnings[0] + words
