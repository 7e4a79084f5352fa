"""Steps: what stands beside the node: preferences, sidebar, the operator for a new comp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import graph
from graph import count, is_running, matted, only_node, start
from steps_job import COLD_S, matted_comp
from window import (
    ADDON,
    SHOT,
    WORK,
    area,
    fresh,
    in_editor,
    picture,
    press,
    scene,
    show_editor,
    tree,
    until,
    window,
)


def check_engine() -> Iterator[float]:
    """Check in the preferences says that the engine works, and what is wrong with a bad path."""
    yield from fresh()
    show_preferences()
    yield 1.5
    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.engine_path = str(WORK / "nothing" / "platematte")
    yield from check("there is no")
    picture("check_bad_path")
    preferences.engine_path = ""
    yield from check("works")
    picture("check")
    close_preferences()
    yield 0.5


def check(words: str) -> Iterator[float]:
    """Press Check and wait for a report that has these words."""
    preferences = graph.addon("preferences")
    bpy.ops.platematte.check_engine("INVOKE_DEFAULT")
    yield from until(preferences.latest_report, COLD_S, "the doctor's report")
    assert words in str(preferences.latest_report()), str(preferences.latest_report())
    yield 1.0


def show_preferences() -> None:
    """Open the preferences at the add-on, unfolded, as its arrow does."""
    bpy.ops.screen.userpref_show("INVOKE_DEFAULT")
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "PlateMatte"
    bpy.ops.preferences.addon_show(module=ADDON)


def close_preferences() -> None:
    with bpy.context.temp_override(window=window(1)):
        bpy.ops.wm.window_close()


def sidebar() -> Iterator[float]:
    """The sidebar's tab shows the node, the engine and what its versions take on the disk."""
    yield from matted_comp()
    start("matte_frame", only_node())
    yield from until(matted(1), COLD_S, "a second version")
    shown = area()
    shown.spaces.active.show_region_ui = True
    yield 0.5
    region = next(region for region in shown.regions if region.type == "UI")
    region.active_panel_category = "PlateMatte"
    yield 1.0
    picture("sidebar")
    bpy.ops.platematte.measure_disk("INVOKE_DEFAULT")
    survey = graph.addon("disk_panel").survey
    yield from until(lambda: survey().usages, 30, "the disk use is measured")
    yield 1.0
    picture("sidebar_disk")
    tree().nodes.active = only_node()
    region.active_panel_category = "Node"
    yield 1.0
    picture("sidebar_node")
    shown.spaces.active.show_region_ui = False


def new_comp() -> Iterator[float]:
    """New Comp builds a graph from two files, and Matte Range works in it as it stands."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield 1.0
    yield from show_editor()
    result = new_comp_of("plate.1003.exr", "clean.exr")
    assert result == {"FINISHED"}, result
    yield 1.0
    yield from show_editor()
    yield from graph.show_backdrop()
    yield 2.0
    assert (scene().frame_start, scene().frame_end) == (1001, 1012)
    assert (scene().render.resolution_x, scene().render.resolution_y) == (640, 360)
    picture("new_comp")
    only_node().quality = "fast"
    scene().frame_end = 1003
    start("matte_range", only_node())
    yield from until(is_running, 10, "the job runs")
    yield from until(matted(3), COLD_S, "three frames are matted")
    yield 2.0
    picture("new_comp_done")


def new_comp_by_browsers() -> Iterator[float]:
    """Without files New Comp asks for both in file browsers, one after the other."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield 1.0
    yield from show_editor()
    yield 0.5
    with in_editor():
        bpy.ops.platematte.new_comp("INVOKE_DEFAULT")
    for name in ("plate.1001.exr", "clean.exr"):
        yield from until(browser, 10, f"a file browser for {name}")
        yield 1.0
        picture(f"browser_{name.split('.')[0]}")
        yield from choose(name)
    yield from until(lambda: len(graph.nodes()) == 1, 10, "the graph is built")
    assert browser() is None
    yield 1.0
    press("Z", ctrl=True)
    yield 1.0
    assert not graph.has_tree() or not graph.nodes(), "one undo takes the comp away"


def browser() -> Any:
    """Window, area of the file browser that is open; None when none is."""
    for shown in bpy.context.window_manager.windows:
        for one in shown.screen.areas:
            if one.type == "FILE_BROWSER" and one.spaces.active.active_operator is not None:
                return shown, one
    return None


def choose(name: str) -> Iterator[float]:
    """Choose a file of the shot in the browser that is open, and press its button."""
    shown, one = browser()
    parameters = one.spaces.active.params
    parameters.directory = str(SHOT).encode() + b"/"
    yield 1.0
    parameters.filename = name
    with bpy.context.temp_override(window=shown, area=one, region=one.regions[-1]):
        bpy.ops.file.execute("INVOKE_DEFAULT")
    yield 1.0


def new_comp_of(plate: str, clean: str) -> Any:
    with in_editor():
        return bpy.ops.platematte.new_comp(
            "EXEC_DEFAULT", plate=str(SHOT / plate), clean=str(SHOT / clean)
        )


def quit_in_mid_job() -> Iterator[float]:
    """Blender is closed during a job: it ends, and the engine ends with it."""
    yield from graph.comp(last=1012)
    start("matte_range", only_node())
    yield from until(lambda: count(only_node().shown_frames) >= 1, COLD_S, "a first result")


ALL = [
    ("check_engine", check_engine),
    ("sidebar", sidebar),
    ("new_comp", new_comp),
    ("new_comp_by_browsers", new_comp_by_browsers),
    ("quit_in_mid_job", quit_in_mid_job),
]
