"""Steps: a matte from the button to the result, and everything that can happen in between."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import graph
import numpy
from graph import (
    BEHIND,
    assert_version_is_whole,
    count,
    is_running,
    leftovers,
    matted,
    only_node,
    start,
    status,
    tidied,
    versions,
)
from window import in_editor, nodes, picture, press, scene, tree, until

COLD_S = 600
"""An engine that starts on a busy machine, and the first frame."""
GREEN = numpy.array(BEHIND[:3], numpy.float32)


def matte_range() -> Iterator[float]:
    """A click on Matte Range: progress in the status bar, results as they arrive, an end."""
    yield from graph.comp()
    assert status(only_node()).startswith("no matte yet"), status(only_node())
    picture("not_matted")
    press("LEFTMOUSE", at=graph.matte_range_button(only_node()))
    yield from until(is_running, 10, "a click on Matte Range in the node starts the job")
    picture("engine_starts")
    seen: set[int] = set()
    while is_running():
        shown = count(only_node().shown_frames)
        if shown not in seen:
            picture(f"under_way_{shown}")
        seen.add(shown)
        yield 0.1
    yield 1.0
    assert matted(4)(), (only_node().last_run, only_node().shown_frames)
    assert seen & {1, 2, 3}, f"results were not shown as they arrived: {sorted(seen)}"
    assert assert_version_is_whole(versions(only_node())[-1]) == [1001, 1002, 1003, 1004]
    assert scene().frame_current == 1001
    assert leftovers() == [] and len(bpy.data.scenes) == 1
    picture("done")


def backdrop() -> Iterator[float]:
    """The viewer shows the subject over the green, and the render is what the viewer shows."""
    yield from matted_comp("quality")
    yield from graph.show_backdrop()
    yield 3.0
    picture("backdrop")
    rendered = graph.render("over_green")
    (file,) = graph.pixels(versions(only_node())[-1] / "matte.1001.exr")
    expected = file[..., :3] + (1 - file[..., 3:]) * GREEN
    worst = float(abs(rendered[..., :3] - expected).max())
    assert worst < 1e-5, worst
    assert (file[..., 3] < 0.05).mean() > 0.5, "most of the frame is background"
    viewer = bpy.data.images["Viewer Node"]
    assert tuple(viewer.size) == (640, 360), tuple(viewer.size)


def gpu_compositor() -> Iterator[float]:
    """The compositor on the GPU, as 5.2 has it by default, shows what the CPU shows."""
    yield from matted_comp()
    on_cpu = graph.render("cpu")
    scene().render.compositor_device = "GPU"
    graph.show_viewer()
    yield 3.0
    picture("gpu")
    worst = float(abs(graph.render("gpu") - on_cpu).max())
    assert worst < 1e-3, worst


def stale() -> Iterator[float]:
    """A setting that changed makes the node say STALE, and putting it back makes it fresh."""
    yield from matted_comp()
    node = only_node()
    node.match = not node.match
    yield 1.5
    assert "STALE" in status(node) and "match" in status(node), status(node)
    picture("stale")
    node.match = not node.match
    yield 1.5
    assert "STALE" not in status(node), status(node)


def gone() -> Iterator[float]:
    """A frame that somebody deleted is named, and its picture is not another frame's.

    It is empty; up to 4.4 it is the magenta in which Blender shows that a file is missing.
    """
    yield from matted_comp()
    (versions(only_node())[-1] / "matte.1002.exr").unlink()
    yield from until(lambda: "GONE" in status(only_node()), 5, "the node says GONE")
    assert "1002" in status(only_node()), status(only_node())
    yield 2.5
    picture("gone")
    scene().frame_set(1002)
    rendered = graph.render("gone")
    shown = GREEN if bpy.app.version >= (4, 5, 0) else (1.0, 0.0, 1.0)
    assert abs(rendered[..., :3] - shown).max() < 1e-6, "only the colour behind it is seen"


def matte_frame() -> Iterator[float]:
    """Matte Frame mattes the scene's frame alone, into a new version."""
    yield from graph.comp()
    scene().frame_set(1003)
    start("matte_frame", only_node())
    yield from until(matted(1), COLD_S, "one frame is matted")
    assert only_node().shown_frames == "1003", only_node().shown_frames
    start("matte_frame", only_node())
    yield from until(is_running, 10, "the second job runs")
    yield from until(matted(1), COLD_S, "the frame is matted again")
    assert [path.name for path in versions(only_node())] == ["v001", "v002"]
    assert scene().frame_current == 1003


def unsaved() -> Iterator[float]:
    """In a file that was never saved results go to temporary files, and the node says so."""
    yield from graph.comp(is_saved=False)
    start("matte_frame", only_node())
    yield from until(matted(1), COLD_S, "one frame is matted")
    assert "save" in status(only_node()), status(only_node())
    picture("unsaved")


def escape() -> Iterator[float]:
    """Esc ends the job at once, keeps whole frames and leaves nothing half done."""
    yield from graph.comp(last=1012)
    start("matte_range", only_node())
    yield from until(lambda: count(only_node().shown_frames) >= 1, COLD_S, "a first result")
    press("ESC")
    yield from until(lambda: not is_running(), 10, "Esc ends the job")
    yield 1.0
    picture("cancelled")
    yield from tidied(*versions(only_node()))
    kept = assert_version_is_whole(versions(only_node())[-1])
    assert 1 <= len(kept) < 12, kept
    assert "cancelled" in only_node().last_run, only_node().last_run
    assert leftovers() == [] and len(bpy.data.scenes) == 1
    assert scene().frame_current == 1001


def escape_early() -> Iterator[float]:
    """Esc before the first result leaves no version that holds nothing."""
    yield from graph.comp(last=1012)
    start("matte_range", only_node())
    yield 0.5
    press("ESC")
    yield from until(lambda: not is_running(), 15, "Esc ends the job")
    yield 1.0
    assert only_node().shown == 0 and leftovers() == [], (only_node().shown, leftovers())
    assert status(only_node()), "the node says something"
    yield from tidied(*versions(only_node()))
    for folder in versions(only_node()):
        assert_version_is_whole(folder)


def undo() -> Iterator[float]:
    """Ctrl-Z and Ctrl-Shift-Z during a job hurt neither the job nor its result."""
    yield from graph.comp()
    for name in ("first", "second"):
        tree().nodes["Plate"].label = name
        bpy.ops.ed.undo_push(message=name)
    start("matte_range", only_node())
    yield from until(is_running, 10, "the job runs")
    yield 0.5
    press("Z", ctrl=True)
    yield 1.0
    assert tree().nodes["Plate"].label == "first", tree().nodes["Plate"].label
    press("Z", ctrl=True, shift=True)
    yield 0.5
    press("Z", ctrl=True)
    yield from until(matted(4), COLD_S, "the job ends well")
    assert leftovers() == [] and len(bpy.data.scenes) == 1
    for key in ({"ctrl": True}, {"ctrl": True}, {"ctrl": True, "shift": True}):
        press("Z", **key)
        yield 0.7
    picture("after_undo")


def undo_a_result() -> Iterator[float]:
    """Ctrl-Z takes the first result back, then what was done before; the end shows all of it."""
    yield from graph.comp(last=1006)
    for name in ("first", "second", "third"):
        tree().nodes["Plate"].label = name
        bpy.ops.ed.undo_push(message=name)
    start("matte_range", only_node())
    yield from until(lambda: count(only_node().shown_frames) >= 1, COLD_S, "a first result")
    for held, label in (({}, "third"), ({}, "second"), ({"shift": True}, "third")):
        press("Z", ctrl=True, **held)
        yield 0.7
        assert tree().nodes["Plate"].label == label, tree().nodes["Plate"].label
        assert is_running() and only_node().shown == 0, "the result is taken back, the job goes on"
        assert status(only_node()).startswith("v001: "), status(only_node())
    picture("undone_result")
    yield from until(matted(6), COLD_S, "the job ends well")
    press("Z", ctrl=True)
    yield from until(lambda: only_node().shown == 0, 5, "the end can be undone")
    press("Z", ctrl=True, shift=True)
    yield from until(matted(6), 5, "and redone")
    assert leftovers() == [] and len(bpy.data.scenes) == 1
    assert_version_is_whole(versions(only_node())[-1])


def undo_the_node() -> Iterator[float]:
    """Undoing the node itself during its job ends the job in words, not in a crash."""
    yield from graph.comp(last=1012)
    tree().nodes.remove(only_node())
    bpy.ops.ed.undo_push(message="without")
    press("Z", ctrl=True)
    yield 0.7
    assert len(nodes()) == 1
    start("matte_range", only_node())
    yield from until(is_running, 10, "the job runs")
    yield 1.0
    press("Z", ctrl=True, shift=True)
    yield from until(lambda: not nodes(), 5, "redo removes the node again")
    yield from until(lambda: not is_running(), COLD_S, "the job of a removed node ends")
    assert leftovers() == [] and len(bpy.data.scenes) == 1


def render_meanwhile() -> Iterator[float]:
    """F12 during a job: both come to their end."""
    yield from graph.comp()
    bpy.context.preferences.view.render_display_type = "NONE"
    start("matte_range", only_node())
    yield from until(is_running, 10, "the job runs")
    ended: list[bool] = []

    def note(*_: object) -> None:
        ended.append(True)

    bpy.app.handlers.render_complete.append(note)
    yield 0.3
    press("F12")
    yield from until(lambda: ended, COLD_S, "the render ends")
    yield from until(matted(4), COLD_S, "the job ends well")
    bpy.app.handlers.render_complete.remove(note)
    assert leftovers() == [] and len(bpy.data.scenes) == 1
    assert_version_is_whole(versions(only_node())[-1])


def play_meanwhile() -> Iterator[float]:
    """The timeline plays during a job: the frames are the same to the bit."""
    yield from matted_comp()
    start("matte_range", only_node())
    yield from until(is_running, 10, "the job runs")
    with in_editor():
        bpy.ops.screen.animation_play()
    yield from until(lambda: not is_running(), COLD_S, "the job ends")
    with in_editor():
        bpy.ops.screen.animation_cancel(restore_frame=True)
    first, second = versions(only_node())
    assert assert_version_is_whole(second) == [1001, 1002, 1003, 1004]
    names = ("matte.1001.exr", "matte.1004.exr")
    still = graph.pixels(*(first / name for name in names))
    played = graph.pixels(*(second / name for name in names))
    assert all((one == other).all() for one, other in zip(still, played, strict=True))
    assert leftovers() == [] and len(bpy.data.scenes) == 1


def matted_comp(quality: str = "fast") -> Iterator[float]:
    """A comp with its four frames matted."""
    yield from graph.comp()
    only_node().quality = quality
    start("matte_range", only_node())
    yield from until(matted(4), COLD_S, "four frames are matted")


ALL = [
    ("matte_range", matte_range),
    ("backdrop", backdrop),
    ("gpu_compositor", gpu_compositor),
    ("stale", stale),
    ("gone", gone),
    ("matte_frame", matte_frame),
    ("unsaved", unsaved),
    ("escape", escape),
    ("escape_early", escape_early),
    ("undo", undo),
    ("undo_a_result", undo_a_result),
    ("undo_the_node", undo_the_node),
    ("render_meanwhile", render_meanwhile),
    ("play_meanwhile", play_meanwhile),
]
