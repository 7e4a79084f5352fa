"""Shows a version: sets the Read inside the group and what the node remembers of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nuke

from platematte_client.errors import PlateMatteError, one_line
from platematte_client.frames import format_frames
from platematte_client.versions import frames_in, pattern_for, read_record, version_folder, views_in

from . import running, stale
from .edits import set_quietly, unrecorded
from .node import LAYERS, READ


def show_version(node: nuke.Node, cache: Path, version: int) -> None:
    """Make the node show a version. Raises PlateMatteError when no finished frame is in it."""
    folder = version_folder(cache, version)
    frames = frames_in(folder)
    if not frames:
        raise PlateMatteError(
            "{}: there is no finished frame in version {}.".format(folder, version),
            "Choose another version, or matte again.",
        )
    record = read_record(folder) or {}
    layers = record.get("layers", [])
    with unrecorded():
        _set_read(node, folder / pattern_for(views_in(folder)), frames[0], frames[-1])
        for layer in LAYERS:
            node["has_" + layer].setValue(layer in layers)
        node["shown_frames"].setValue(format_frames(frames))
        node["made_with"].setValue(json.dumps(record.get("made_with"), sort_keys=True))
        # `shown` before `version`: a change of `version` is otherwise taken for the artist's wish.
        node["shown"].setValue(version)
        node["version"].setValue(version)
    refresh(node)


def refresh(node: nuke.Node) -> None:
    """Say in the status line what is shown now."""
    set_quietly(node, status=stale.describe_shown(node))


def note_error(node: nuke.Node, error: PlateMatteError) -> None:
    """Say in the status line why a run did not begin; one that is under way has its own line."""
    if running.run_of(node) is None:
        set_quietly(node, last_run=one_line(str(error)))
        refresh(node)


def _set_read(node: nuke.Node, pattern: Path, first: int, last: int) -> None:
    read: Any = node.node(READ)
    if read is None:
        raise PlateMatteError(
            "the node {} has no {} inside.".format(node.fullName(), READ),
            "Its inside was edited: make a new PlateMatte node.",
        )
    # fromUserText opens the file and sets its format as well, which setValue does not. Its range
    # is put right below: frames that are there, and black beside them.
    read["file"].fromUserText("{} {}-{}".format(pattern.as_posix(), first, last))
    values = (
        ("file", pattern.as_posix()),
        ("first", first),
        ("last", last),
        ("origfirst", first),
        ("origlast", last),
        ("origset", True),
        ("before", "black"),
        ("after", "black"),
        ("on_error", "error"),
        ("raw", True),
        ("auto_alpha", False),
        ("localizationPolicy", "off"),
    )
    for name, value in values:
        read[name].setValue(value)
    read["reload"].execute()
