"""The shot's graph, made and read: what every step about a matte begins with and looks at."""

from __future__ import annotations

import importlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy
from window import (
    ADDON,
    NODE,
    SHOT,
    V5,
    WORK,
    area,
    fresh,
    in_editor,
    nodes,
    region,
    scene,
    tree,
    until,
)

FIRST, LAST = 1001, 1004
BEHIND = (0.02, 0.25, 0.08, 1.0)
"""The colour behind the foreground, scene-linear."""


DOWN = 300
"""How far the nodes go down to make room for a picture above them."""


def sequence(path: Path, label: str, location: tuple[int, int], frames: int) -> Any:
    """An Image node with a sequence from FIRST on, or with a still where frames is 1."""
    image = bpy.data.images.load(str(path))
    node = tree().nodes.new("CompositorNodeImage")
    node.image, node.name, node.label, node.location = image, label, label, location
    if frames > 1:
        image.source = "SEQUENCE"
        node.frame_duration, node.frame_start, node.frame_offset = frames, FIRST, FIRST - 1
    return node


def inputs(frames: int = 12) -> tuple[Any, Any]:
    """The Image nodes of plate and clean plate."""
    plate = sequence(SHOT / f"plate.{FIRST}.exr", "Plate", (-600, 320), frames)
    return plate, sequence(SHOT / "clean.exr", "Clean plate", (-600, -60), 1)


def comp(last: int = LAST, is_saved: bool = True) -> Iterator[float]:
    """A fresh file with plate, clean plate, PlateMatte, a colour behind it, output and viewer.

    It is saved into a folder of its own, so that no step finds versions of another.
    """
    yield from fresh()
    plate, clean = inputs()
    made = tree().nodes.new(NODE)
    made.location = (-400, 250)
    tree().links.new(plate.outputs[0], made.inputs["Plate"])
    tree().links.new(clean.outputs[0], made.inputs["Clean Plate"])
    made.range = "CUSTOM"
    made.frames = f"{FIRST}-{last}"
    made.quality = "fast"
    over_colour(made)
    made.clean_mode = "HELD"
    if is_saved:
        folder = Path(tempfile.mkdtemp(prefix="comp-", dir=WORK / "files"))
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "comp.blend"))
    bpy.ops.ed.undo_push(message="comp")
    yield 0.5
    for node in tree().nodes:
        node.select = False
    yield from frame_all()


def frame_all() -> Iterator[float]:
    """The whole graph in the editor, as the key Home shows it, but larger."""
    # Never a yield under an override: it would hold for all that Blender does until then.
    with in_editor():
        bpy.ops.node.view_all()
    yield 0.5
    with in_editor():
        bpy.ops.view2d.zoom_in(zoomfacx=0.15, zoomfacy=0.15)
    yield 0.5


def over_colour(node: Any) -> None:
    """The node's foreground over a flat green, in the scene's output and in the viewer."""
    colour = tree().nodes.new("CompositorNodeRGB")
    colour.outputs[0].default_value = BEHIND
    colour.location = (-80, -70)
    over = tree().nodes.new("CompositorNodeAlphaOver")
    over.location = (100, 200)
    behind, front = [socket for socket in over.inputs if socket.bl_idname == "NodeSocketColor"]
    tree().links.new(colour.outputs[0], behind)
    tree().links.new(node.outputs["Foreground"], front)
    output = tree().nodes.new("NodeGroupOutput" if V5 else "CompositorNodeComposite")
    output.location = (290, 260)
    viewer = tree().nodes.new("CompositorNodeViewer")
    viewer.location = (290, 100)
    for node_of_end in (output, viewer):
        tree().links.new(over.outputs[0], node_of_end.inputs[0])
    tree().nodes.active = viewer


def show_backdrop() -> Iterator[float]:
    """The viewer's picture in the upper half of the editor, the nodes below it."""
    with in_editor():
        bpy.ops.node.view_all()
    yield 0.5
    if V5:
        # It shows nodes larger than 4.3 does: both would not fit.
        with in_editor():
            bpy.ops.view2d.zoom_out(zoomfacx=-0.22, zoomfacy=-0.22)
        yield 0.5
    # Not by view2d.pan, which does nothing here in 4.3.
    for node in tree().nodes:
        node.location.y -= DOWN
    # After view_all, which sets it to 0.
    show_viewer((0, 230))
    yield 0.5


def show_viewer(offset: tuple[int, int] = (0, 0)) -> None:
    """The viewer's picture behind the nodes, at its own size."""
    shown = area().spaces.active
    shown.show_backdrop, shown.backdrop_zoom = True, 1.0
    shown.backdrop_offset = offset


def only_node() -> Any:
    found = nodes()
    assert len(found) == 1, [node.name for node in found]
    return found[0]


def versions(node: Any) -> list[Path]:
    """The version folders of a node, oldest first."""
    return sorted(path for path in cache_of(node).glob("v[0-9]*") if path.is_dir())


def cache_of(node: Any) -> Path:
    return Path(addon("paths").read_cache(node))


def shown_folder(node: Any) -> Path:
    """The version folder that the node shows."""
    return cache_of(node) / f"v{node.shown:03d}"


def frames_in(folder: Path) -> list[int]:
    return sorted(int(path.name.split(".")[1]) for path in folder.glob("matte.*.exr"))


def leftovers() -> list[str]:
    """Names of what a capture makes for a moment and must take away again."""
    kinds = (bpy.data.scenes, bpy.data.node_groups, bpy.data.images)
    return [item.name for kind in kinds for item in kind if "capture" in item.name.lower()]


def addon(module: str) -> Any:
    """A module of the add-on as Blender loaded it."""
    return importlib.import_module(f"{ADDON}.{module}")


def status(node: Any) -> str:
    """The node's line about itself, as it draws it."""
    return str(addon("api").status(node))


def start(operator: str, node: Any) -> None:
    """Press one of the node's buttons."""
    with in_editor():
        getattr(bpy.ops.platematte, operator)("INVOKE_DEFAULT", node=node.name)


def is_running() -> bool:
    """Whether a job is under way."""
    return addon("running").current is not None


def matte_range_button(node: Any) -> tuple[int, int]:
    """A point of the window on Matte Range in a node whose state takes one line.

    How far it is from the node's upper left corner was measured in pictures of both Blenders.
    """
    scale = bpy.context.preferences.system.ui_scale
    x, y = (node.location.x + 174) * scale, (node.location.y - 198) * scale
    shown = region()
    at_x, at_y = shown.view2d.view_to_region(x, y, clip=False)
    return shown.x + int(at_x), shown.y + int(at_y)


def matted(frames: int) -> Callable[[], bool]:
    """Whether the only node shows so many frames, and nothing is under way."""
    return lambda: not is_running() and count(only_node().shown_frames) == frames


def count(frames: str) -> int:
    """How many frames a text names, as in "1001-1004"."""
    parts = [part.split("-") for part in frames.replace(" ", "").split(",") if part]
    return sum(int(part[-1]) - int(part[0]) + 1 for part in parts)


def render(name: str) -> Any:
    """The scene's frame as its compositor makes it: H x W x 4 floats, through a float EXR."""
    settings = scene().render
    path = WORK / "files" / f"{name}.exr"
    if V5:
        settings.image_settings.media_type = "IMAGE"
    settings.image_settings.file_format = "OPEN_EXR"
    settings.image_settings.color_depth = "32"
    settings.image_settings.color_mode = "RGBA"
    settings.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return pixels(path)[0]


def pixels(*paths: Path) -> list[Any]:
    """R, G, B, A of each file, H x W x 4 floats, read by OpenImageIO and not by Blender."""
    out = WORK / "tmp" / "pixels.npz"
    command = [*os.environ["PLATEMATTE_GUI_PYTHON"].split("|"), str(out), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with numpy.load(out) as read:
        return [read[name] for name in read.files]


def tidied(*folders: Path) -> Iterator[float]:
    """Wait until what was captured is gone: the engine ends its frame first, then it is removed."""
    yield from until(
        lambda: not any((folder / "inputs").exists() for folder in folders),
        60,
        "a cancelled job takes what it had captured along",
    )


def assert_version_is_whole(folder: Path) -> list[int]:
    """Nothing half written lies in a version folder; returns its frames."""
    found = sorted(path.name for path in folder.iterdir())
    frames = frames_in(folder)
    beside = {"job.json", "settings.json", "thumbnail.png"}
    assert set(found) - beside == {f"matte.{frame}.exr" for frame in frames}, found
    for frame, read in zip(frames, pixels(*map(frame_of(folder), frames)), strict=True):
        assert read.shape == (360, 640, 4) and read[..., 3].max() > 0.9, (frame, read.shape)
    return frames


def frame_of(folder: Path) -> Callable[[int], Path]:
    """The file of a frame in a version folder."""
    return lambda frame: folder / f"matte.{frame}.exr"


def has_tree() -> bool:
    """Whether the scene has a compositor at all."""
    return tree() is not None
