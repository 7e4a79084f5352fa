"""What a version was made with, and whether node and inputs still are what they were then."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple

import nuke

from platematte_client.errors import PlateMatteError
from platematte_client.frames import format_frames, parse_frames
from platematte_client.versions import frames_in

from .colour import read_working_space
from .node import (
    INPUTS,
    LAYER_OF_OUTPUT,
    ROLE_WORDS,
    UNSAVED,
    Order,
    is_cache_temporary,
    read_cache,
    read_settings,
    shown_folder,
)

# How a node looks, what its panel does and what we write there ourselves: none of it is a pixel.
_COSMETIC = frozenset(
    """name xpos ypos selected label tile_color gl_color note_font note_font_size note_font_color
    hide_input postage_stamp postage_stamp_frame bookmark dope_sheet help icon indicators autolabel
    cached onCreate onDestroy knobChanged updateUI rootNodeUpdated panel status last_run version
    made_with shown_frames run_id lock_connections disable_group_view show_group_view
    group_view_position""".split()
)
STALE = "STALE, changed since: "
"""What the status line says, and what changed after it."""
_FIELD = re.compile(r"#+|%0?(\d*)d")
_KNOB_WORDS = {
    "input.colorspace": "working space",
    "prepare.align": "align",
    "prepare.match": "match",
    "network.weights": "quality",
    "solve.temporal": "quality",
    "clean_frame": "clean plate frame",
}
# They follow from others, or decide where and what is written and not how it looks.
_INDIFFERENT = frozenset(
    ("input.clean_colorspace", "input.working_space", "network.device", "output.layers")
)


def describe_making(node: nuke.Node, order: Order) -> Dict[str, Any]:
    """Return what a result of this order depends on: knobs by name, a hash for each input."""
    return {
        "knobs": _decisive(order.settings, order.clean_frame),
        "inputs": _hash_inputs(node, order.frames),
    }


def changes_since(node: nuke.Node, made_with: Dict[str, Any], frames: Iterable[int]) -> List[str]:
    """Return, in words, what changed since a version was made; empty when it is up to date."""
    clean_frame = None
    if node["clean_mode"].value() != "sequence":
        clean_frame = int(node["clean_frame"].value())
    space = read_working_space(node["plate_space"].value().strip())
    knobs = _decisive(read_settings(node, space), clean_frame)
    inputs = _hash_inputs(node, tuple(frames))
    before_knobs, before_inputs = made_with.get("knobs", {}), made_with.get("inputs", {})
    changed = [ROLE_WORDS[role] for role in INPUTS if before_inputs.get(role) != inputs.get(role)]
    for name in sorted({*before_knobs, *knobs}):
        if before_knobs.get(name) != knobs.get(name):
            changed.append(_KNOB_WORDS.get(name, name))
    # One knob may decide several settings.
    return list(dict.fromkeys(changed))


def describe_shown(node: nuke.Node) -> str:
    """Return the status line: what is shown, and whether it is stale."""
    shown = int(node["shown"].value())
    failed = node["last_run"].value()
    parts = ["last run: " + failed] if failed else []
    if not shown:
        return "; ".join([*parts, _advice(node)])
    frames = node["shown_frames"].value()
    output = node["output"].value()
    if output == "plate":
        parts.append("the plate is shown; v{:03d} has frames {}".format(shown, frames))
    else:
        parts.append("v{:03d}, frames {}, {}".format(shown, frames, output))
    layer = LAYER_OF_OUTPUT.get(output)
    if layer is not None and not node["has_" + layer].value():
        parts.append("this version has no layer {}, matte again".format(layer))
    parts.append(_staleness(node, frames))
    parts += _troubles_on_disk(node, frames)
    return "; ".join(parts)


def _troubles_on_disk(node: nuke.Node, frames: str) -> List[str]:
    """Return what is not as it should be with the files that are shown."""
    folder = shown_folder(node)
    if folder is None:
        return []
    troubles = []
    gone = sorted({*parse_frames(frames)} - {*frames_in(folder)}) if frames else []
    if gone:
        troubles.append("GONE from the disk: frames {}".format(format_frames(gone)))
    if is_cache_temporary(node):
        troubles.append("in temporary files, save the script: " + folder.parent.as_posix())
    elif folder.parent.parent.name.startswith(UNSAVED):
        troubles.append("in temporary files, matte again to keep it: " + folder.parent.as_posix())
    elif folder.parent != _cache_or_none(node):
        troubles.append("from the folder " + folder.parent.as_posix())
    return troubles


def _cache_or_none(node: nuke.Node) -> Optional[Path]:
    try:
        return read_cache(node)
    except PlateMatteError:
        return None


def _staleness(node: nuke.Node, frames: str) -> str:
    try:
        made_with = json.loads(node["made_with"].value() or "null")
        if not isinstance(made_with, dict):
            return "not known whether it is stale"
        changed = changes_since(node, made_with, parse_frames(frames))
    except (ValueError, PlateMatteError) as error:
        return "not known whether it is stale: {}".format(error)
    return STALE + ", ".join(changed) if changed else "up to date"


def _advice(node: nuke.Node) -> str:
    for role in ("plate", "clean"):
        if node.input(INPUTS[role]) is None:
            return "no matte yet: connect the {} (input {})".format(ROLE_WORDS[role], INPUTS[role])
    return "no matte yet: press Matte this frame"


def _decisive(settings: Dict[str, Dict[str, Any]], clean_frame: Any) -> Dict[str, Any]:
    flat = {
        "{}.{}".format(section, key): value
        for section, values in settings.items()
        for key, value in values.items()
    }
    kept = {
        name: value
        for name, value in flat.items()
        if name not in _INDIFFERENT and not name.startswith("engine.")
    }
    kept["clean_frame"] = clean_frame
    views = nuke.views()
    if len(views) > 1:
        kept["views"] = list(views)
    return kept


def _hash_inputs(node: nuke.Node, frames: Tuple[int, ...]) -> Dict[str, str]:
    """Return a hash of the graph above each connected input.

    Node.opHashes() would be the obvious source, but an op's hash takes in the frame that it was
    last validated for: the node would turn stale by scrubbing.
    """
    found = {}
    for role, number in INPUTS.items():
        upstream = node.input(number)
        if upstream is not None:
            text = json.dumps(_describe_graph(upstream, frames))
            found[role] = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
    return found


def _describe_graph(end: nuke.Node, frames: Tuple[int, ...]) -> List[Any]:
    """Return classes, connections, knobs and files of a node and all above it.

    Nodes are numbered in the order in which they are met, so that a new name changes nothing.
    """
    numbers: Dict[str, int] = {end.fullName(): 0}
    waiting, described = [end], []
    while waiting:
        node = waiting.pop()
        sources = []
        for source in _sources(node):
            name = source.fullName() if source is not None else None
            if name is not None and name not in numbers:
                numbers[name] = len(numbers)
                waiting.append(source)
            sources.append(None if name is None else numbers[name])
        described.append(
            [numbers[node.fullName()], node.Class(), sources, _knobs(node), _files(node, frames)]
        )
    return described


def _sources(node: nuke.Node) -> List[Any]:
    inner = list(node.nodes()) if node.Class() == "Group" else []
    return [node.input(index) for index in range(node.inputs())] + inner


def _knobs(node: nuke.Node) -> List[Tuple[str, str]]:
    return sorted(
        (name, knob.toScript())
        for name, knob in node.knobs().items()
        if name not in _COSMETIC and not name.endswith("_panelDropped")
    )


def _files(node: nuke.Node, frames: Tuple[int, ...]) -> List[Any]:
    """Return size and time of the files of a Read at both ends of the range."""
    knob = node.knob("file")
    pattern = (knob.value() or "") if knob is not None else ""
    found = []
    for frame in {frames[0], frames[-1]} if frames and isinstance(pattern, str) else ():
        numbered = _FIELD.sub(lambda match, number=frame: _digits(match, number), pattern)
        for view in nuke.views():
            path = Path(numbered.replace("%V", view).replace("%v", view[:1]))
            if path.is_file():
                status = path.stat()
                found.append([frame, status.st_size, status.st_mtime_ns])
            if "%V" not in numbered and "%v" not in numbered:
                break
    return sorted(found)


def _digits(match: "re.Match[str]", frame: int) -> str:
    text = match.group()
    padding = len(text) if text.startswith("#") else int(match.group(1) or 1)
    return "{:0{}d}".format(frame, padding)
