"""Small shots on disk and graphs over them, for the tests inside Blender."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import OpenImageIO as oiio

from blender_addon import api, capture, compat
from blender_addon.find import place_of

SIZE = (64, 48)
"""Width and height."""


def random_picture(seed: int, size: tuple[int, int] = SIZE, channels: int = 3) -> np.ndarray:
    """Return H x W x C float32 with negatives, values far above 1 and tiny ones."""
    random = np.random.default_rng(seed)
    pixels = random.uniform(-0.5, 1.5, (size[1], size[0], channels)).astype(np.float32)
    pixels[0, 0], pixels[-1, -1], pixels[1, 0] = 1000.5, -3.75, 1e-20
    return pixels


def write_exr(path: Path, pixels: np.ndarray, channels: str = "") -> Path:
    """Write H x W x C float32; channels: their names, RGB or RGBA if not given."""
    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, "float")
    spec.channelnames = list(channels or "RGBA"[:count])
    path.parent.mkdir(parents=True, exist_ok=True)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(np.ascontiguousarray(pixels, np.float32)), output.geterror()
    assert output.close()
    return path


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """Return the channels of a file, each H x W float32, by name."""
    source = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    names, pixels = source.spec().channelnames, source.read_image("float")
    source.close()
    return dict(zip(names, np.moveaxis(pixels, -1, 0), strict=True))


def windows(path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return x, y, width and height of a file's data window and of its display window."""
    source = oiio.ImageInput.open(str(path))
    spec = source.spec()
    source.close()
    data = spec.x, spec.y, spec.width, spec.height
    return data, (spec.full_x, spec.full_y, spec.full_width, spec.full_height)


def rgb(path: Path) -> np.ndarray:
    """Return R, G and B of a file, H x W x 3 float32; a single channel stands for all of them."""
    channels = read_exr(path)
    if len(channels) == 1:
        return np.stack([*channels.values()] * 3, axis=-1)
    return np.stack([channels[name] for name in "RGB"], axis=-1)


def write_sequence(
    folder: Path, stem: str, frames: Iterable[int], size: tuple[int, int] = SIZE, seed: int = 0
) -> dict[int, np.ndarray]:
    """Write STEM.FRAME.exr for each frame and return their pixels."""
    found = {}
    for frame in frames:
        found[frame] = random_picture(seed + frame, size)
        write_exr(folder / f"{stem}.{frame:04d}.exr", found[frame])
    return found


def write_shot(folder: Path, frames: Iterable[int]) -> None:
    """Write plate.####.exr and clean.exr: a bright subject that moves before a set."""
    random = np.random.default_rng(5)
    width, height = SIZE
    coarse = random.uniform(0.05, 0.3, (height // 6 + 2, width // 6 + 2, 3))
    the_set = coarse.repeat(6, 0).repeat(6, 1)[:height, :width]
    the_set = (the_set + random.uniform(0, 0.03, (height, width, 3))).astype(np.float32)
    the_set[0, 0] = -0.25
    write_exr(folder / "clean.exr", the_set)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for index, frame in enumerate(frames):
        centre = width * (0.42 + 0.02 * (index % 4)), height * 0.5
        away = np.hypot((x - centre[0]) / (0.22 * width), (y - centre[1]) / (0.3 * height))
        alpha = np.clip((1.25 - away) / 0.5, 0, 1)[..., None]
        plate = alpha * np.array([3.5, 1.1, 0.7], np.float32) + (1 - alpha) * the_set
        write_exr(folder / f"plate.{frame:04d}.exr", plate)


def add_image(tree: Any, path: Path, first: int | None = None, count: int = 1) -> Any:
    """Add an Image node; first and count: of a sequence whose file numbers are the scene's."""
    node = tree.nodes.new("CompositorNodeImage")
    node.image = bpy.data.images.load(str(path), check_existing=False)
    if first is not None:
        node.image.source = "SEQUENCE"
        node.frame_start, node.frame_offset, node.frame_duration = first, first - 1, count
    return node


def add_exposure(tree: Any, source: Any, stops: float) -> Any:
    """Add an Exposure node behind a socket."""
    node = tree.nodes.new("CompositorNodeExposure")
    node.inputs["Exposure"].default_value = stops
    tree.links.new(source, node.inputs["Image"])
    return node


def make_shot(scene: Any, folder: Path, frames: tuple[int, ...], **properties: Any) -> Any:
    """Write a shot, build a graph over it, and return the node; the quickest settings."""
    write_shot(folder, frames)
    tree = compat.scene_tree(scene, create=True)
    plate = add_image(tree, folder / f"plate.{frames[0]:04d}.exr", frames[0], len(frames))
    clean = add_image(tree, folder / "clean.exr")
    plate.name, clean.name = "plate image", "clean image"
    scene.frame_start, scene.frame_end = frames[0], frames[-1]
    scene.frame_set(frames[0])
    wanted = {"cache_dir": str(folder / "cache"), "device": "cpu", "quality": "fast"}
    return api.create(scene, plate, clean, **{**wanted, **properties})


def capture_at(node: Any, roles: tuple[str, ...], frame: int, folder: Path) -> dict[str, Path]:
    """Capture inputs at the plate's size, as a job does."""
    folder.mkdir(parents=True, exist_ok=True)
    place = place_of(node)
    sizes = capture.measure(place, dict.fromkeys(("plate", *roles), frame), folder)
    return capture.capture(place, roles, frame, folder, sizes)


def render_outputs(scene: Any, node: Any, frame: int, folder: Path) -> dict[str, np.ndarray]:
    """Render a scene's compositor at a frame; return what the node's outputs deliver, H x W x 3.

    node: ours, or the plain group it was made into. Outputs that write no file are left out.
    """
    tree = node.id_data
    stems = [output.name.replace(" ", "_") for output in node.outputs]
    inputs = compat.add_file_output(tree, str(folder) + "/", stems)
    writer = inputs[0].node
    for output, socket in zip(node.outputs, inputs, strict=True):
        tree.links.new(output, socket)
    set_up(scene)
    scene.frame_set(frame)
    bpy.ops.render.render()
    tree.nodes.remove(writer)
    found = {}
    for output, stem in zip(node.outputs, stems, strict=True):
        # Blender writes the sign before four digits.
        for path in folder.glob(f"{stem}.*.exr"):
            found[output.name] = rgb(path)
            path.unlink()
    return found


def set_up(scene: Any) -> None:
    """Make a scene render its compositor in the shot's size, with a view that must not matter."""
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.render.compositor_device = "CPU"
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.exposure = 2


def names_in_file() -> dict[str, list[tuple[str, int]]]:
    """Return names and users of what a capture might leave behind or change."""
    counted = ("scenes", "node_groups", "images", "collections", "objects", "movieclips", "actions")
    kinds: dict[str, Callable[[], Any]] = {
        kind: lambda kind=kind: getattr(bpy.data, kind) for kind in counted
    }
    # Blender makes that one for the first render of any kind.
    return {
        kind: sorted((one.name, one.users) for one in found() if one.name != "Render Result")
        for kind, found in kinds.items()
    }
