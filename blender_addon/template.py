"""Builds a comp from the files of a plate and a clean plate, and sets the scene up for it.

    plate ------- PlateMatte ---- Alpha Over -- output, viewer
    clean plate --'  background --'

Images keep the colour space that Blender gives them: for EXR that is the file's linear space, so
that scene-linear floats arrive as they are; for other files it is in their settings, to be changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from platematte_client.errors import PlateMatteError

from . import api, compat
from .exr_file import read_frame_rate
from .footage import Footage, Kind, find_footage

BACKGROUND = (0.18, 0.18, 0.18, 1.0)
"""Scene-linear: the grey that a light meter aims at, before which both edges are seen."""
_BLENDERS_OWN = (
    "CompositorNodeRLayers",
    "CompositorNodeComposite",
    "CompositorNodeViewer",
    "NodeGroupInput",
    "NodeGroupOutput",
    "NodeReroute",
)
"""What Blender itself puts into a new compositor."""
_DROP_FRAME = (Fraction(1), Fraction(1001, 1000))
_RATE_TOLERANCE = 0.005
"""Frames a second. Movies tell their rate as a rounded decimal, as in 23.98."""


@dataclass(frozen=True)
class Source:
    """Footage with what Blender says of it, and the node that plays it."""

    footage: Footage
    node: Any
    frames: tuple[int, ...]
    """Frames that it has; none for a still whose name has no number."""
    size: tuple[int, int]
    rate: float | None
    """Frames a second; None where the file names none."""
    colour_space: str


@dataclass(frozen=True)
class Comp:
    """What was built."""

    node: Any
    """The PlateMatte node."""
    told: tuple[str, ...]
    """What was chosen, a sentence each."""
    warnings: tuple[str, ...]
    """What is missing or was guessed, a sentence each."""


def new_comp(scene: bpy.types.Scene, plate: str, clean: str, replace: bool) -> Comp:
    """Build a comp from the files of a plate and a clean plate.

    replace: whether nodes that are in the scene's compositor may go. Raises PlateMatteError; then
    nothing is changed.
    """
    pair = find_pair(plate, clean)
    if has_graph(scene) and not replace:
        raise PlateMatteError(
            f"the compositor of {scene.name} has nodes already.",
            "To replace them set replace=True, or make a new scene.",
        )
    return build_comp(scene, *pair)


def find_pair(plate: str, clean: str) -> tuple[Footage, Footage]:
    """Return what lies under both paths. Raises PlateMatteError."""
    suffixes = {suffix.lower() for suffix in bpy.path.extensions_movie}
    found = []
    for role, path in (("plate", plate), ("clean plate", clean)):
        if not path.strip():
            raise PlateMatteError(f"no {role} was chosen.", "Choose a movie, a still or a frame.")
        try:
            found.append(find_footage(bpy.path.abspath(path.strip()), suffixes))
        except PlateMatteError as error:
            raise PlateMatteError(f"{role}: {error.reason}", error.fix) from error
    if found[0].path == found[1].path:
        raise PlateMatteError(
            f"{found[0].path}: plate and clean plate are the same file.",
            "The clean plate is the set without the subject.",
        )
    return found[0], found[1]


def has_graph(scene: bpy.types.Scene) -> bool:
    """Whether there is something in a scene's compositor that Blender did not put there itself."""
    tree = compat.scene_tree(scene)
    return tree is not None and any(node.bl_idname not in _BLENDERS_OWN for node in tree.nodes)


def count_nodes(scene: bpy.types.Scene) -> int:
    """Return how many nodes a scene's compositor has."""
    tree = compat.scene_tree(scene)
    return len(tree.nodes) if tree is not None else 0


def build_comp(scene: bpy.types.Scene, plate: Footage, clean: Footage) -> Comp:
    """Build the graph in place of the scene's, and set its range, size and frame rate.

    Nothing is changed before both files are open. Raises PlateMatteError for a file that Blender
    cannot read.
    """
    opened = _open_pair(plate, clean)
    tree = compat.new_scene_tree(scene, keep_old=has_graph(scene))
    sources = [
        _add_source(tree, footage, media, label)
        for footage, media, label in zip(
            (plate, clean), opened, ("Plate", "Clean Plate"), strict=True
        )
    ]
    warnings = [text for text in (plate.describe_holes(), clean.describe_holes()) if text]
    properties, guessed = _choose_clean(*sources)
    node = api.create(scene, plate=sources[0].node, clean=sources[1].node, **properties)
    _finish_graph(tree, node, sources)
    told = set_scene(scene, sources[0])
    return Comp(node, (*told, _describe_colour(sources)), (*warnings, *guessed))


def set_scene(scene: bpy.types.Scene, plate: Source) -> tuple[str, ...]:
    """Set range, current frame, size and frame rate to those of the plate; return them in words."""
    frames = plate.frames or (scene.frame_current,)
    scene.frame_start, scene.frame_end = frames[0], frames[-1]
    scene.frame_set(frames[0])
    render = scene.render
    render.resolution_x, render.resolution_y = plate.size
    render.resolution_percentage = 100
    told = [f"frames {frames[0]}-{frames[-1]}", f"{plate.size[0]} x {plate.size[1]}"]
    if plate.rate is None:
        told.append(f"{render.fps / render.fps_base:.6g} frames a second as before")
    else:
        render.fps, render.fps_base = split_rate(plate.rate)
        told.append(f"{plate.rate:.6g} frames a second")
    return (", ".join(told),)


def split_rate(rate: float) -> tuple[int, float]:
    """Return a rate as Blender keeps it: a whole number, and what it is divided by.

    >>> split_rate(24), split_rate(23.976), split_rate(12.5)
    ((24, 1.0), (24, 1.001), (12, 0.96))
    """
    whole = max(1, round(rate))
    for base in _DROP_FRAME:
        if abs(float(whole / base) - rate) < _RATE_TOLERANCE:
            return whole, float(base)
    return whole, whole / rate


def _open_pair(plate: Footage, clean: Footage) -> tuple[Any, Any]:
    first = _open(plate)
    try:
        return first, _open(clean)
    except PlateMatteError:
        bpy.data.batch_remove([first])
        raise


def _open(footage: Footage) -> Any:
    """Return the movie clip or image. Raises PlateMatteError when Blender cannot read it."""
    is_movie = footage.kind is Kind.MOVIE
    block: Any = None
    try:
        collection = bpy.data.movieclips if is_movie else bpy.data.images
        block = collection.load(str(footage.path), check_existing=False)
    except RuntimeError as error:
        raise _unreadable(footage.path, str(error)) from error
    # Of a movie that it cannot read Blender says that it is 256 x 256, but no rate.
    if 0 in tuple(block.size) or (is_movie and not block.fps):
        collection.remove(block)
        raise _unreadable(footage.path, "it has no pixels")
    return block


def _unreadable(path: Path, why: str) -> PlateMatteError:
    return PlateMatteError(
        f"{path}: Blender cannot read it: {why.strip()}.", "Choose another file, or write it anew."
    )


def _add_source(tree: Any, footage: Footage, media: Any, label: str) -> Source:
    size = (int(media.size[0]), int(media.size[1]))
    space = media.colorspace_settings.name
    media.name = label
    if footage.kind is Kind.MOVIE:
        node = tree.nodes.new("CompositorNodeMovieClip")
        node.clip = media
        first = media.frame_start
        frames = tuple(range(first, first + media.frame_duration))
        rate: float | None = float(media.fps)
    else:
        node = tree.nodes.new("CompositorNodeImage")
        node.image = media
        frames, rate = footage.frames, _rate_of(footage.path)
        if footage.kind is Kind.SEQUENCE:
            _play_sequence(node, media, frames)
    node.label = label
    node.name = label
    return Source(footage, node, frames, size, rate, space)


def _play_sequence(node: Any, image: Any, frames: Sequence[int]) -> None:
    """Make an Image node show each file at its own frame, and nothing in holes."""
    image.source = "SEQUENCE"
    node.frame_start, node.frame_offset = frames[0], frames[0] - 1
    node.frame_duration = frames[-1] - frames[0] + 1
    node.use_cyclic, node.use_auto_refresh = False, True


def _rate_of(path: Path) -> float | None:
    rate = read_frame_rate(path)
    return None if rate is None else float(rate)


def _choose_clean(plate: Source, clean: Source) -> tuple[dict[str, Any], list[str]]:
    """Return how the node takes the clean plate, and what there is to say about it.

    Frame by frame where it has all frames of the plate, else one of its frames for the whole shot.
    """
    if clean.footage.kind is Kind.STILL:
        frame = plate.frames[0] if plate.frames else bpy.context.scene.frame_current
        return {"clean_mode": "HELD", "clean_frame": frame}, []
    missing = set(plate.frames) - set(clean.frames)
    if not missing:
        return {"clean_mode": "MOVING"}, []
    frame = clean.frames[0]
    guess = (
        f"the clean plate has frames {clean.frames[0]}-{clean.frames[-1]}, which are not all of "
        f"the plate's: its frame {frame} is held for the whole shot"
    )
    return {"clean_mode": "HELD", "clean_frame": frame}, [guess]


def _finish_graph(tree: Any, node: Any, sources: Sequence[Source]) -> None:
    """Put the result over a background, show it and write it; lay the nodes out."""
    background = tree.nodes.new("CompositorNodeRGB")
    background.label = background.name = "Background"
    background.outputs[0].default_value = BACKGROUND
    over, result = compat.add_alpha_over(tree, background.outputs[0], node.outputs["Foreground"])
    output, image = compat.add_output(tree)
    viewer = tree.nodes.new("CompositorNodeViewer")
    tree.links.new(result, image)
    tree.links.new(result, viewer.inputs[0])
    places = {
        sources[0].node: (-820, 340),
        sources[1].node: (-820, -60),
        node: (-460, 200),
        background: (-120, -260),
        over: (120, 120),
        output: (400, 220),
        viewer: (400, 40),
    }
    for one, place in places.items():
        one.location = place
        one.select = one == node
    tree.nodes.active = node


def _describe_colour(sources: Sequence[Source]) -> str:
    spaces = {source.node.label.lower(): source.colour_space for source in sources}
    told = ", ".join(f"{name} {space}" for name, space in spaces.items())
    return f"colour spaces as Blender takes them: {told}"
