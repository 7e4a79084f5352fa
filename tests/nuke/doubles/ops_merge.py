"""Pixels of nodes that join two images: Copy, Merge2, Keymix, ChannelMerge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from doubles.channels import channels_of
from doubles.image import Box, Image
from doubles.render import Render, masked, op, selected

Plane = np.ndarray

# A and B are planes of one channel, a and b the alphas.
OPERATIONS: dict[str, Callable[[Plane, Plane, Plane, Plane], Plane]] = {
    "over": lambda A, B, a, b: A + B * (1 - a),  # noqa: N803
    "under": lambda A, B, a, b: A * (1 - b) + B,  # noqa: N803
    "plus": lambda A, B, a, b: A + B,  # noqa: N803
    "minus": lambda A, B, a, b: A - B,  # noqa: N803
    "from": lambda A, B, a, b: B - A,  # noqa: N803
    "multiply": lambda A, B, a, b: A * B,  # noqa: N803
    "copy": lambda A, B, a, b: A,  # noqa: N803
    "in": lambda A, B, a, b: A * b,  # noqa: N803
    "out": lambda A, B, a, b: A * (1 - b),  # noqa: N803
    "mask": lambda A, B, a, b: B * a,  # noqa: N803
    "stencil": lambda A, B, a, b: B * (1 - a),  # noqa: N803
    "max": lambda A, B, a, b: np.maximum(A, B),  # noqa: N803
    "min": lambda A, B, a, b: np.minimum(A, B),  # noqa: N803
    "difference": lambda A, B, a, b: np.abs(A - B),  # noqa: N803
}


def _box(mode: str, b: Box, a: Box) -> Box:
    if mode == "union":
        return b.union(a)
    if mode == "intersection":
        return b.intersection(a)
    return a if mode == "A" else b


@op("Copy")
def copy(render: Render, node: Any, frame: int) -> Image:
    """Input 0 with channels of input 1."""
    below = render.input(node, 0, frame)
    above = render.input(node, 1, frame)
    out = below.over_box(_box(node["bbox"].value(), below.box, above.box))
    planes = {}
    for i in range(4):
        source, target = node[f"from{i}"].value(), node[f"to{i}"].value()
        if source != "none" and target != "none":
            planes[channels_of(target)[0]] = above.plane(channels_of(source)[0], out.box)
    for name in selected(above, node["channels"].value()):
        planes[name] = above.plane(name, out.box)
    return masked(render, node, frame, below, out.with_planes(planes))


@op("Merge2")
def merge(render: Render, node: Any, frame: int) -> Image:
    """Input 1 (A) and those after the mask merged onto input 0 (B)."""
    below = render.input(node, 0, frame)
    operation = node["operation"].value()
    if operation not in OPERATIONS:
        raise NotImplementedError("the double cannot merge by " + operation)
    out = below
    for index in [i for i in range(1, len(node._inputs)) if i != 2]:
        above = render.optional(node, index, frame)
        if above is not None:
            out = _merged(node, OPERATIONS[operation], out, above)
    return masked(render, node, frame, below, out)


def _merged(node: Any, call: Any, below: Image, above: Image) -> Image:
    box = _box(node["bbox"].value(), below.box, above.box)
    out = below.over_box(box)
    a, b = above.plane("rgba.alpha", box), below.plane("rgba.alpha", box)
    pairs = list(_pairs(node))
    pairs += [(n, n, n) for n in _all_of(node["also_merge"].value(), below, above)]
    planes = {}
    for source, under, target in pairs:
        if source in above.planes or under in below.planes:
            planes[target] = call(above.plane(source, box), below.plane(under, box), a, b)
    return out.with_planes(planes)


def _pairs(node: Any) -> Any:
    words = [channels_of(node[knob].value()) for knob in ("Achannels", "Bchannels", "output")]
    return zip(*words)  # noqa: B905


def _all_of(mask: str, below: Image, above: Image) -> list[str]:
    if mask != "all":
        return [name for word in mask.split() for name in channels_of(word)]
    main = channels_of("rgba")
    return [name for name in {**below.planes, **above.planes} if name not in main]


@op("Keymix")
def keymix(render: Render, node: Any, frame: int) -> Image:
    """Input 1 over input 0 by the mask of input 2."""
    below, above, mask_image = (render.input(node, i, frame) for i in range(3))
    box = _box(node["bbox"].value(), below.box, above.box)
    mask = mask_image.plane(channels_of(node["maskChannel"].value())[0], box)
    amount = (1 - mask if node["invertMask"].value() else mask) * np.float32(node["mix"].value())
    out = below.over_box(box)
    planes = {}
    for name in selected(replace(out, planes={**above.planes, **below.planes}),
                         node["channels"].value()):  # fmt: skip
        planes[name] = above.plane(name, box) * amount + below.plane(name, box) * (1 - amount)
    return out.with_planes(planes)


@op("ChannelMerge")
def channel_merge(render: Render, node: Any, frame: int) -> Image:
    """One channel of input 1 with one of input 0."""
    below, above = render.input(node, 0, frame), render.input(node, 1, frame)
    operation = node["operation"].value()
    # The names mean something else here than in Merge2 for the others.
    known = {key: OPERATIONS[key] for key in ("max", "min", "minus", "multiply", "plus")}
    known["union"] = lambda A, B, a, b: A + B - A * B  # noqa: N803
    known["stencil"] = lambda A, B, a, b: B * (1 - A)  # noqa: N803
    known["in"] = known["multiply"]
    if operation not in known:
        raise NotImplementedError("the double cannot merge channels by " + operation)
    box = _box(node["bbox"].value(), below.box, above.box)
    a = above.plane(channels_of(node["A"].value())[0], box)
    b = below.plane(channels_of(node["B"].value())[0], box)
    out = below.over_box(box)
    out = out.with_planes({channels_of(node["output"].value())[0]: known[operation](a, b, a, b)})
    return masked(render, node, frame, below, out)
