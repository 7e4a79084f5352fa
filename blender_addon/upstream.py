"""Looks for what would go wrong in silence: source files that are not there, a full disk.

Blender renders black where a file is missing, and writes nothing where it cannot write.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from platematte_client.errors import PlateMatteError
from platematte_client.frames import format_frames

from . import files, graph
from .find import Place
from .sockets import INPUTS, NAMES, WORDS

_BYTES = 12
"""Bytes of a pixel in a captured file: three floats."""


def input_of(node: Any, role: str) -> Any:
    """Return the input socket of a role."""
    return node.inputs[NAMES[role]]


def linked_roles(node: Any) -> tuple[str, ...]:
    """Return the roles of the inputs that are fed, in order. Raises PlateMatteError."""
    roles = []
    for one in INPUTS:
        if any(not link.is_muted for link in node.inputs[one.name].links):
            roles.append(one.role)
        elif one.is_needed:
            raise PlateMatteError(f"connect the {one.words} (input {one.name}).")
    return tuple(roles)


def check_sources(place: Place, frames: dict[str, tuple[int, ...]]) -> None:
    """Raise PlateMatteError where a file that an input needs is not there or cannot be read.

    frames: those at which each role's input is captured.
    """
    known: dict[Path, bool] = {}
    for role, wanted in frames.items():
        for node in graph.all_above(place, input_of(place.node, role)):
            missing = [one for one in files.files_of(node, wanted) if not _is_there(one, known)]
            if missing:
                raise _missing(role, missing)


def check_space(folder: Path, sizes: list[tuple[int, int]]) -> None:
    """Raise PlateMatteError unless captured pictures of these sizes fit into a folder."""
    needed = sum(width * height for width, height in sizes) * _BYTES
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise PlateMatteError(
            f"{folder}: {len(sizes)} captured pictures need {needed >> 20} MiB, "
            f"and {free >> 20} MiB are free.",
            "Make space, choose another cache folder, or matte fewer frames at a time.",
        )


def check_writable(folder: Path) -> None:
    """Raise PlateMatteError unless files can be written into a folder, which is there."""
    try:
        handle, path = tempfile.mkstemp(prefix=".try-", dir=folder)
        try:
            os.write(handle, b"PlateMatte")
        finally:
            os.close(handle)
            Path(path).unlink()
    except OSError as error:
        raise PlateMatteError(
            f"{folder}: it cannot be written to: {error.strerror}.",
            "Check permissions and free space, or choose another cache folder.",
        ) from error


def _is_there(source: files.Source, known: dict[Path, bool]) -> bool:
    if source.path not in known:
        known[source.path] = source.path.is_file() and os.access(source.path, os.R_OK)
    return known[source.path]


def _missing(role: str, missing: list[files.Source]) -> PlateMatteError:
    first = missing[0]
    what = "cannot be read" if first.path.is_file() else "is missing"
    others = format_frames(one.frame for one in missing[1:])
    more = f" So it is at the frames {others}." if others else ""
    return PlateMatteError(
        f"{WORDS[role]}, node {first.node.name!r}, frame {first.frame}: {first.path} {what}.{more}",
        "Put the file in its place, or leave the frame out"
        + (": set Clean Frame to one that is there." if role == "clean" else "."),
    )
