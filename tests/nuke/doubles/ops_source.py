"""Pixels of nodes that make images: Read, Constant, Write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from doubles import files
from doubles.channels import channels_of
from doubles.image import Image, box_of
from doubles.render import Render, colour, op


@op("Constant")
def constant(render: Render, node: Any, frame: int) -> Image:
    """A colour over the format."""
    values = dict(zip(("red", "green", "blue", "alpha"), colour(node, "color")))  # noqa: B905
    format_ = node["format"].value()
    box = box_of(format_)
    planes = {}
    for name in channels_of(node["channels"].value()):
        value = values.get(name.rpartition(".")[2], values["red"])
        planes[name] = np.full((box.height, box.width), value, np.float32)
    return Image(format_, box, planes)


@op("Read")
def read(render: Render, node: Any, frame: int) -> Image:
    """A file, by the range, the frame mode and what is to happen where a file is missing."""
    if not node["file"].value():
        raise RuntimeError(f"{node._name}: no file")
    wanted = _frame_in_range(node, _mapped(node, frame))
    if wanted is None:
        return _black(node)
    path = node["file"]._at(wanted)
    if not Path(path).is_file():
        return _missing(node, wanted, path)
    image: Image = files.read_exr(path)
    if not node["raw"].value():
        _refuse_conversion(node)
    if node["auto_alpha"].value() and "rgba.alpha" not in image.planes:
        ones = np.ones((image.box.height, image.box.width), np.float32)
        image = image.with_planes({"rgba.alpha": ones})
    return image


def _refuse_conversion(node: Any) -> None:
    # EXRs are scene-linear by default; any other choice would need Nuke's own curves.
    if node["colorspace"].value() not in ("default", "linear", "scene_linear"):
        raise NotImplementedError("the double converts no colours: " + node._name)


def _mapped(node: Any, frame: int) -> int:
    """The frame that frame_mode makes of a frame."""
    from doubles import expressions

    mode, text = node["frame_mode"].value(), node["frame"].value()
    if not text:
        return frame
    if mode == "start at":
        return frame - int(text) + int(node["first"].value())
    if mode == "offset":
        return frame + int(text)
    return int(expressions.evaluate(text, node))


def _frame_in_range(node: Any, frame: int) -> int | None:
    first, last = int(node["first"].value()), int(node["last"].value())
    if first <= frame <= last:
        return frame
    mode = node["before" if frame < first else "after"].value()
    if mode == "black":
        return None
    if mode == "hold":
        return min(max(frame, first), last)
    count = last - first + 1
    if mode == "loop":
        return first + (frame - first) % count
    place = (frame - first) % max(2 * count - 2, 1)
    return first + min(place, 2 * count - 2 - place)


def _any_file(node: Any) -> Image | None:
    """The first file that is there, for the format and the channels of a black frame."""
    pattern = node["file"]._at_pattern()
    for frame in files.frames_on_disk(pattern):
        image: Image = files.read_exr(files.frame_path(pattern, frame))
        return image
    return files.read_exr(pattern) if Path(pattern).is_file() else None


def _black(node: Any) -> Image:
    like = _any_file(node)
    format_ = like.format if like else node["format"].value()
    names = list(like.planes) if like else channels_of("rgba")
    box = box_of(format_)
    zeros = np.zeros((box.height, box.width), np.float32)
    return Image(format_, box, dict.fromkeys(names, zeros))


def _missing(node: Any, frame: int, path: str) -> Image:
    mode = node["on_error"].value()
    if mode == "black":
        return _black(node)
    if mode == "nearest frame":
        pattern = node["file"]._at_pattern()
        frames = files.frames_on_disk(pattern)
        if frames:
            nearest = min(frames, key=lambda there: abs(there - frame))
            image: Image = files.read_exr(files.frame_path(pattern, nearest))
            return image
    if mode == "checkerboard":
        raise NotImplementedError("the double draws no checkerboard")
    raise RuntimeError(f"{node._name}: No such file or directory: {path}")


@op("Write", "Dot", "NoOp", "PostageStamp", "ModifyMetaData")
def through(render: Render, node: Any, frame: int) -> Image:
    """The input, untouched."""
    return render.input(node, 0, frame)


@op("Assert")
def check(render: Render, node: Any, frame: int) -> Image:
    """The input, or an error with the node's message."""
    if not node["expression"].value():
        raise RuntimeError("{}: {}".format(node._name, node["message"].evaluate()))
    return render.input(node, 0, frame)
