"""Shows a version in a node: sets its inner tree, and what the node remembers of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from platematte_client.errors import PlateMatteError
from platematte_client.frames import format_frames
from platematte_client.versions import PATTERN, frames_in, read_record, version_folder

from . import inner_tree
from .paths import read_cache


def show_version(node: Any, number: int) -> None:
    """Make the node show a version of its cache folder; 0: none.

    Raises PlateMatteError when no finished frame is in it.
    """
    if number == 0:
        show_nothing(node)
        return
    folder = version_folder(read_cache(node), number)
    if not frames_in(folder):
        raise PlateMatteError(
            f"{folder}: there is no finished frame in version {number}.",
            "Choose another version, or matte again.",
        )
    show_folder(node, folder, number)


def show_folder(node: Any, folder: Path, number: int) -> None:
    """Make the node show the finished frames of a version folder, which has at least one."""
    frames = frames_in(folder)
    record = read_record(folder) or {}
    outputs = inner_tree.show_files(node, folder / (PATTERN % frames[0]), frames)
    node.shown_outputs = ",".join(outputs)
    node.shown_frames = format_frames(frames)
    node.made_with = json.dumps(record.get("made_with"), sort_keys=True)
    # `shown` before `version`: a change of `version` is otherwise taken for the artist's wish.
    node.shown = number
    node.version = number


def show_nothing(node: Any) -> None:
    """Make the node show no version."""
    inner_tree.show_none(node)
    node.shown_outputs = node.shown_frames = node.made_with = ""
    node.shown = node.version = 0


def show_more(node: Any, folder: Path) -> bool:
    """Take in frames that came into the folder that is shown; return as `show_frames` does."""
    frames = frames_in(folder)
    node.shown_frames = format_frames(frames)
    return inner_tree.show_frames(node, frames)
