"""What the steps use of Blender's windows: areas, keys, the mouse, pictures, waiting."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

WORK = Path(os.environ["PLATEMATTE_GUI_WORK"])
SHOT = WORK / "shot"
V5 = bpy.app.version >= (5, 0, 0)
ADDON = "bl_ext.user_default.platematte"
NODE = "CompositorNodePlateMatte"


def window(index: int = 0) -> Any:
    return bpy.context.window_manager.windows[index]


def scene() -> Any:
    return window().scene


def tree() -> Any:
    """The compositor's tree of the window's scene."""
    return scene().compositing_node_group if V5 else scene().node_tree


def area(kind: str = "NODE_EDITOR") -> Any:
    return next(area for area in window().screen.areas if area.type == kind)


def region(kind: str = "WINDOW") -> Any:
    return next(region for region in area().regions if region.type == kind)


def in_editor() -> Any:
    """Override for operators, as though the mouse were over the node editor."""
    return bpy.context.temp_override(window=window(), area=area(), region=region())


def nodes() -> list[Any]:
    """All PlateMatte nodes of the compositor."""
    return [node for node in tree().nodes if node.bl_idname == NODE]


def until(claim: Callable[[], Any], seconds: float, what: str) -> Iterator[float]:
    """Wait until the claim holds; AssertionError that names it when the time is over."""
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        yield 0.1


def move(x: int, y: int) -> None:
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)


def centre() -> tuple[int, int]:
    """A point of the editor with nothing in it: the middle of its lower half."""
    shown = region()
    return shown.x + shown.width // 2, shown.y + shown.height // 5


def press(
    key: str, text: str | None = None, at: tuple[int, int] | None = None, **held: bool
) -> None:
    """A key, or a button of the mouse, pressed and let go over a point of the window."""
    x, y = at or centre()
    move(x, y)
    window().event_simulate(type=key, value="PRESS", unicode=text, x=x, y=y, **held)
    window().event_simulate(type=key, value="RELEASE", x=x, y=y, **held)


def type_text(text: str, at: tuple[int, int] | None = None) -> None:
    for letter in text:
        press(letter.upper(), letter, at, shift=letter.isupper())


def redraw() -> None:
    bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=2)


def picture(name: str) -> Path:
    """Take a picture of the whole screen: what an artist would see now."""
    path = WORK / "pictures" / f"{name}.png"
    redraw()
    subprocess.run(["import", "-silent", "-window", "root", str(path)], check=True, timeout=60)
    return path


def fresh() -> Iterator[float]:
    """A file with an empty compositor filling the window, its scene as the shot's."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
    yield 1.0
    shown = scene()
    if V5:
        made = bpy.data.node_groups.new("Comp", "CompositorNodeTree")
        made.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        shown.compositing_node_group = made
    else:
        shown.use_nodes = True
    tree().nodes.clear()
    shown.render.resolution_x, shown.render.resolution_y = 640, 360
    shown.frame_start, shown.frame_end = 1001, 1004
    shown.frame_set(1001)
    shown.render.compositor_device = "CPU"
    yield from show_editor()


def show_editor() -> Iterator[float]:
    """Fill the window with the compositor, as Ctrl-Space does."""
    if len(window().screen.areas) > 1:
        largest = max(window().screen.areas, key=lambda area: area.width * area.height)
        largest.ui_type = "CompositorNodeTree"
        yield 0.3
        with in_editor():
            bpy.ops.screen.screen_full_area()
        yield 0.3
    space = area().spaces.active
    if V5:
        space.node_tree = tree()
        space.show_region_asset_shelf = False
    space.show_region_ui = False
    yield 0.3
