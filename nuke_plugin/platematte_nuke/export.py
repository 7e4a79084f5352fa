"""Writes the inputs to disk exactly as the graph delivers them, through temporary Write nodes.

32-bit float EXR, raw, at full resolution even in proxy mode, with the whole bounding box. Write
nodes are made inside the group, beside its Input nodes, and are gone afterwards whatever happens.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

import nuke

from platematte_client.errors import Cancelled, PlateMatteError
from platematte_client.frames import runs

from .edits import full_resolution, kept_selection, unrecorded
from .node import INPUTS, ROLE_WORDS, Order

_CHANNELS = {"plate": "rgb", "clean": "rgb", "garbage": "alpha", "core": "alpha"}
_NEEDED = {
    "rgb": ("rgba.red", "rgba.green", "rgba.blue"),
    "alpha": ("rgba.alpha",),
}
# All that a studio may have given other defaults, in the order in which Nuke wants it: file_type
# brings the knobs of EXR into being.
_WRITE = (
    ("file_type", "exr"),
    ("datatype", "32 bit float"),
    ("compression", "Zip (1 scanline)"),
    ("autocrop", False),
    ("metadata", "all metadata except input/*"),
    ("raw", True),
    ("create_directories", True),
    ("use_limit", False),
    ("on_error", "error"),
    ("frame_mode", "expression"),
    ("frame", ""),
    ("beforeRender", ""),
    ("afterRender", ""),
    ("beforeFrameRender", ""),
    ("afterFrameRender", ""),
)


_LITTLE_SPACE = 256 << 20
"""Bytes. A frame of 4K in 32 bit float may need a third of it."""


def export_inputs(node: nuke.Node, order: Order, folder: Path) -> Dict[str, str]:
    """Write all connected inputs below a folder and return their patterns by role.

    A held clean plate is one file; all others have the frames of the order. Main thread only.
    Raises PlateMatteError with role and frame, and Cancelled when the artist stops Nuke's render.
    """
    _check_channels(node, order)
    patterns = {}
    with unrecorded(), kept_selection(), full_resolution():
        for role in order.roles:
            # %V is Nuke's own field for the view's name.
            frames, name = order.frames, role + (".%V" if len(order.views) > 1 else "")
            if role == "clean" and order.clean_frame is not None:
                frames, path = (order.clean_frame,), folder / (name + ".exr")
            else:
                path = folder / (name + ".%04d.exr")
            with _temporary_write(node, role, path, order.views) as write:
                for first, last in runs(frames):
                    _execute(write, role, path, first, last, order.views)
            patterns[role] = path.as_posix()
    return patterns


def file_of(pattern: Path, frame: int, view: str) -> Path:
    """Return the file of a frame and a view."""
    name = pattern.name.replace("%V", view)
    return pattern.parent / (name % frame if "%" in name else name)


@contextmanager
def _temporary_write(
    node: nuke.Node, role: str, path: Path, views: Tuple[str, ...]
) -> Iterator[nuke.Node]:
    node.begin()
    try:
        left = nuke.toNode("platematte_export_" + role)
        if left is not None:
            # From a script that Nuke saved by itself in the middle of an export, before it crashed.
            nuke.delete(left)
        source = nuke.toNode(role)
        write = nuke.nodes.Write(name="platematte_export_" + role)
    finally:
        node.end()
    try:
        write.setInput(0, source)
        for name, value in _WRITE:
            write[name].setValue(value)
        write["channels"].setValue(_CHANNELS[role])
        write["views"].setValue(" ".join(views))
        write["file"].setValue(path.as_posix())
        yield write
    finally:
        nuke.delete(write)


def _execute(
    write: Any, role: str, path: Path, first: int, last: int, views: Tuple[str, ...]
) -> None:
    try:
        nuke.execute(write, first, last, 1, list(views))
    except RuntimeError as error:
        if "cancel" in str(error).lower():
            raise Cancelled(
                "cancelled while the {} was exported.".format(ROLE_WORDS[role])
            ) from error
        missing = _first_missing(path, first, last, views)
        where = "" if missing is None else " at frame {}".format(_words(missing, views))
        raise PlateMatteError(
            "the {} cannot be rendered{}: {}.".format(
                ROLE_WORDS[role], where, str(error).rstrip(".")
            ),
            _advice(path),
        ) from error
    missing = _first_missing(path, first, last, views)
    if missing is not None:
        raise PlateMatteError(
            "{}: Nuke reported no error, but frame {} of the {} is not there.".format(
                file_of(path, *missing), _words(missing, views), ROLE_WORDS[role]
            ),
            "Check permissions and free space of the cache folder.",
        )


def _advice(path: Path) -> str:
    """Return what to do about a frame that was not written; path: the export's pattern."""
    folder = path.parent if path.parent.is_dir() else path.parent.parent
    try:
        free = shutil.disk_usage(str(folder)).free
    except OSError:
        free = 0
    if free < _LITTLE_SPACE or not os.access(str(folder), os.W_OK):
        return "Check permissions and free space of the cache folder ({} MiB are free).".format(
            free >> 20
        )
    return "Put it right upstream, or leave the frame out with a custom range."


def _first_missing(
    path: Path, first: int, last: int, views: Tuple[str, ...]
) -> Optional[Tuple[int, str]]:
    wanted = ((frame, view) for frame in range(first, last + 1) for view in views)
    return next((one for one in wanted if not file_of(path, *one).is_file()), None)


def _words(missing: Tuple[int, str], views: Tuple[str, ...]) -> str:
    frame, view = missing
    return "{} of the view {}".format(frame, view) if len(views) > 1 else str(frame)


def _check_channels(node: nuke.Node, order: Order) -> None:
    """Refuse an input without the channels that are exported: Nuke would write black for them."""
    for role in order.roles:
        there: Tuple[str, ...] = tuple(node.input(INPUTS[role]).channels())
        if not there:
            raise PlateMatteError(
                "the {} (input {}) delivers no image.".format(ROLE_WORDS[role], INPUTS[role]),
                "Look for a node above it whose input is not connected.",
            )
        for channel in _NEEDED[_CHANNELS[role]]:
            if channel not in there:
                raise PlateMatteError(
                    "the {} (input {}) has no channel {}.".format(
                        ROLE_WORDS[role], INPUTS[role], channel
                    ),
                    "Shuffle the matte into alpha."
                    if channel == "rgba.alpha"
                    else "Shuffle a colour into rgba.",
                )
