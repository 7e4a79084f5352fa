"""Image files that the nodes of a graph read: which file a node reads at a frame."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bpy


class Source(NamedTuple):
    """A file that a node reads at a frame."""

    node: Any
    frame: int
    """The scene's frame."""
    path: Path


def files_of(node: Any, frames: Iterable[int]) -> Iterator[Source]:
    """Yield the files that a node reads for frames; none for what is packed, generated or muted."""
    if node.mute:
        return
    image, clip = getattr(node, "image", None), getattr(node, "clip", None)
    if isinstance(image, bpy.types.Image):
        for frame in frames:
            path = _image_file(node, image, frame)
            if path is not None:
                yield Source(node, frame, path)
    elif isinstance(clip, bpy.types.MovieClip):
        for frame in frames:
            yield Source(node, frame, _clip_file(clip, frame))


def frame_range_of(node: Any) -> tuple[int, int] | None:
    """Return first and last frame of the scene at which a node has pictures of its own.

    None for stills and for nodes without pictures.
    """
    image, clip = getattr(node, "image", None), getattr(node, "clip", None)
    if isinstance(image, bpy.types.Image) and image.source in ("SEQUENCE", "MOVIE"):
        return node.frame_start, node.frame_start + node.frame_duration - 1
    if isinstance(clip, bpy.types.MovieClip):
        return clip.frame_start, clip.frame_start + clip.frame_duration - 1
    return None


def numbered(path: str, number: int) -> str:
    """Return a sequence's path with another frame number, as Blender does: the last digits count.

    >>> numbered("/a/plate.0998.exr", 1001), numbered("/a/v2/still.exr", 7)
    ('/a/plate.1001.exr', '/a/v2/still.exr')
    """
    folder, slash, name = path.replace("\\", "/").rpartition("/")
    match = _last_number(name)
    if match is None:
        return path
    head, digits, tail = match
    return f"{folder}{slash}{head}{number:0{len(digits)}d}{tail}"


def _last_number(name: str) -> tuple[str, str, str] | None:
    """Split a name at its last run of digits; those of its ending (.mp4) do not count."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    found = list(re.finditer(r"\d+", stem))
    if not found:
        return None
    last = found[-1]
    return stem[: last.start()], last.group(), stem[last.end() :] + dot + ending


def _image_file(node: Any, image: Any, frame: int) -> Path | None:
    if image.packed_file is not None or image.source not in ("FILE", "SEQUENCE", "MOVIE"):
        return None
    path = bpy.path.abspath(image.filepath, library=image.library)
    if image.source == "SEQUENCE":
        path = numbered(path, _image_number(node, frame))
    return Path(path)


def _image_number(node: Any, frame: int) -> int:
    """Return the number in the name of the file that an Image node reads at a frame."""
    length = node.frame_duration
    index = frame - node.frame_start + 1
    if node.use_cyclic and length:
        index = (index - 1) % length + 1
    # Behind its end the last picture is held; before its start the one before the first is wanted.
    return int(min(max(index, 0), length) + node.frame_offset)


def _clip_file(clip: Any, frame: int) -> Path:
    path = bpy.path.abspath(clip.filepath, library=clip.library)
    match = _last_number(Path(path).name)
    if clip.source == "SEQUENCE" and match is not None:
        number = int(match[1]) + frame - clip.frame_start + clip.frame_offset
        path = numbered(path, number)
    return Path(path)
