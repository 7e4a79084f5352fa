"""Pixels of nodes that choose among frames, inputs and places."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from doubles.formats import Format
from doubles.image import Box, Image, box_of
from doubles.render import Render, op


@op("FrameHold")
def frame_hold(render: Render, node: Any, frame: int) -> Image:
    """One frame for all; with an increment, one for each step."""
    first, step = int(node["firstFrame"].value()), int(node["increment"].value())
    held = first if step == 0 else first + (frame - first) // step * step
    return render.input(node, 0, held)


@op("TimeOffset")
def time_offset(render: Render, node: Any, frame: int) -> Image:
    """The input later by time_offset frames."""
    if node["reverse_input"].value():
        raise NotImplementedError("the double does not reverse time")
    return render.input(node, 0, frame - int(node["time_offset"].value()))


@op("FrameRange")
def frame_range(render: Render, node: Any, frame: int) -> Image:
    """The input; only the range that the node reports is changed."""
    return render.input(node, 0, frame)


@op("Switch")
def switch(render: Render, node: Any, frame: int) -> Image:
    """The input whose number `which` is, held within those that there are."""
    last = max(len(node._inputs) - 1, 0)
    return render.input(node, min(max(int(node["which"].value()), 0), last), frame)


@op("Crop")
def crop(render: Render, node: Any, frame: int) -> Image:
    """Cut to a box, which becomes the format where `reformat` says so."""
    image = render.input(node, 0, frame)
    if any(node["softness"].array()):
        raise NotImplementedError("the double has no soft crop")
    box = Box(*(round(number) for number in node["box"].array()))
    cut = box.intersection(image.box) if node["intersect"].value() else box
    image = image.over_box(cut)
    if not node["reformat"].value():
        return image
    size = Format(box.width, box.height, pixel_aspect=image.format.pixelAspect())
    return replace(image, format=size, box=cut.moved(-box.x, -box.y))


@op("BlackOutside")
def black_outside(render: Render, node: Any, frame: int) -> Image:
    """A black pixel round the box, as the public nodes that use it rely on."""
    image = render.input(node, 0, frame)
    box = image.box
    return image.over_box(Box(box.x - 1, box.y - 1, box.r + 1, box.t + 1))


@op("AdjBBox")
def adjust_box(render: Render, node: Any, frame: int) -> Image:
    """The box grown by pixels on each side."""
    image = render.input(node, 0, frame)
    wide, high = (int(number) for number in node["numpixels"].array())
    box = image.box
    return image.over_box(Box(box.x - wide, box.y - high, box.r + wide, box.t + high))


@op("CopyBBox")
def copy_box(render: Render, node: Any, frame: int) -> Image:
    """Input 0 over the box of input 1."""
    return render.input(node, 0, frame).over_box(render.input(node, 1, frame).box)


@op("Reformat")
def reformat(render: Render, node: Any, frame: int) -> Image:
    """Another format; resize `none` moves whole pixels, others need the filter Impulse."""
    image = render.input(node, 0, frame)
    target, scale_x, scale_y = _target(node, image.format)
    if node["flip"].value() or node["flop"].value() or node["turn"].value():
        raise NotImplementedError("the double does not turn images")
    move_x = move_y = 0.0
    if node["center"].value() and node["type"].value() != "scale":
        move_x = (target.width() - image.format.width() * scale_x) / 2
        move_y = (target.height() - image.format.height() * scale_y) / 2
    if scale_x == scale_y == 1:
        moved = replace(
            image, format=target, box=image.box.moved(math.floor(move_x), math.floor(move_y))
        )
    else:
        if not node["filter"].value().startswith("impulse"):
            raise NotImplementedError("the double resizes with the filter impulse only")
        moved = scaled(image, target, scale_x, scale_y, move_x, move_y)
    return moved if node["pbb"].value() else moved.over_box(moved.box.intersection(box_of(target)))


def _target(node: Any, source: Format) -> tuple[Format, float, float]:
    kind, resize = node["type"].value(), node["resize"].value()
    if kind == "scale":
        x, y = node["scale"].array()
        return Format(round(source.width() * x), round(source.height() * y)), x, y
    if kind == "to box":
        if not node["box_fixed"].value() and resize != "none":
            raise NotImplementedError("the double's boxes are fixed ones")
        target = Format(int(node["box_width"].value()), int(node["box_height"].value()))
    else:
        target = node["format"].value()
    x, y = target.width() / source.width(), target.height() / source.height()
    factors = {
        "none": (1.0, 1.0),
        "width": (x, x),
        "height": (y, y),
        "fit": (min(x, y), min(x, y)),
        "fill": (max(x, y), max(x, y)),
        "distort": (x, y),
    }
    return (target, *factors[resize])


def scaled(image: Image, target: Format, x: float, y: float, dx: float, dy: float) -> Image:
    """Return an image scaled by x and y and moved, each pixel from the nearest one."""
    box = Box(
        math.floor(image.box.x * x + dx),
        math.floor(image.box.y * y + dy),
        math.ceil(image.box.r * x + dx),
        math.ceil(image.box.t * y + dy),
    )
    columns = np.floor((np.arange(box.x, box.r) + 0.5 - dx) / x).astype(int) - image.box.x
    rows = np.floor((np.arange(box.y, box.t) + 0.5 - dy) / y).astype(int) - image.box.y
    columns = np.clip(columns, 0, image.box.width - 1)
    rows = np.clip(rows, 0, image.box.height - 1)
    planes = {name: plane[rows[:, None], columns] for name, plane in image.planes.items()}
    return replace(image, format=target, box=box, planes=planes)
