"""What a node asks for: frames, inputs, settings of the engine. Nothing is done yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platematte_client.errors import PlateMatteError
from platematte_client.frames import parse_frames

from . import files, graph
from .colour import WorkingSpace, read_working_space
from .find import Place
from .paths import read_cache
from .sockets import LAYERS, NAMES
from .upstream import input_of, linked_roles

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Order:
    """What a node asks for."""

    frames: tuple[int, ...]
    clean_frame: int | None
    """Frame at which the clean plate is held; None: it has the plate's frames."""
    roles: tuple[str, ...]
    """Inputs that are linked."""
    layers: tuple[str, ...]
    settings: Settings
    space: WorkingSpace
    cache: Path
    keep_inputs: bool

    def frames_of(self, role: str) -> tuple[int, ...]:
        """Return the frames at which an input is captured."""
        if role == "clean" and self.clean_frame is not None:
            return (self.clean_frame,)
        return self.frames


def read_order(place: Place, frames: tuple[int, ...] | None = None) -> Order:
    """Return what a node asks for; frames: instead of its range.

    Raises PlateMatteError for what is missing or cannot be done.
    """
    node = place.node
    library = node.id_data.library
    if library is not None:
        raise PlateMatteError(
            f"the node {node.name!r} is linked from {library.filepath} and cannot be changed here.",
            "Open that file, or make its tree local.",
        )
    if place.scene.render.use_multiview:
        raise PlateMatteError(
            f"the scene {place.scene.name!r} has stereoscopy on, and PlateMatte mattes one view.",
            "Switch Stereoscopy off in the output properties, and matte each view by itself.",
        )
    roles = linked_roles(node)
    space = read_working_space()
    return Order(
        frames=read_range(place) if frames is None else tuple(sorted(set(frames))),
        clean_frame=read_clean_frame(node),
        roles=roles,
        layers=read_layers(node),
        settings=read_settings(node, space),
        space=space,
        cache=read_cache(node),
        keep_inputs=bool(node.keep_inputs),
    )


def read_range(place: Place) -> tuple[int, ...]:
    """Return the frames that the range properties mean. Raises PlateMatteError."""
    node, scene = place.node, place.scene
    if node.range == "CUSTOM":
        if not node.frames.strip():
            raise PlateMatteError("the custom frame range is empty.", "Write it as 1001-1100.")
        return parse_frames(node.frames)
    if node.range == "PLATE":
        first, last = _plate_range(place)
        return tuple(range(first, last + 1))
    return tuple(range(scene.frame_start, scene.frame_end + 1, scene.frame_step))


def read_clean_frame(node: Any) -> int | None:
    """Return the frame at which the clean plate is held; None when it moves."""
    return int(node.clean_frame) if node.clean_mode == "HELD" else None


def read_layers(node: Any) -> tuple[str, ...]:
    """Return the layers to write, in the order of the file."""
    return tuple(layer for layer in LAYERS if layer in node.layers)


def read_settings(node: Any, space: WorkingSpace) -> Settings:
    """Return the engine's settings, {section: {key: value}}, as docs/td.md lists them."""
    settings: Settings = {
        "input": {
            "colorspace": space.name,
            "clean_colorspace": space.name,
            "working_space": space.name,
        },
        "prepare": {
            "align": "auto" if node.align else "off",
            "match": "auto" if node.match else "off",
        },
        # The engine's sets of weights have the names of the property's values.
        "network": {"device": node.device, "weights": node.quality},
        "solve": {"temporal": "auto" if node.quality == "quality" else "off"},
        "output": {"layers": list(read_layers(node))},
    }
    for text in node.more_settings.split(";"):
        if text.strip():
            section, key, value = _parse_assignment(text)
            settings.setdefault(section, {})[key] = value
    return settings


def _plate_range(place: Place) -> tuple[int, int]:
    for node in graph.all_above(place, input_of(place.node, "plate")):
        found = files.frame_range_of(node)
        if found is not None:
            return found
    raise PlateMatteError(
        f"there is no image sequence and no movie clip above the input {NAMES['plate']}.",
        "Set Range to Scene or Custom.",
    )


def _parse_assignment(text: str) -> tuple[str, str, str]:
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise PlateMatteError(
            f"{text.strip()!r} under More Settings is not of the form section.key=value.",
            "For example: engine.memory_mib=2048",
        )
    return section, key, value.strip()
