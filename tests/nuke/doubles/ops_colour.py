"""Pixels of nodes that compute on channels: Shuffle2, Premult, Expression, Multiply and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from doubles import expressions
from doubles.channels import channels_of
from doubles.image import Image
from doubles.render import Render, colour, component, masked, op, selected


@op("Shuffle2")
def shuffle(render: Render, node: Any, frame: int) -> Image:
    """Channels by the mappings; all others pass from input 0.

    What Nuke makes of an output channel that nothing is mapped to is not known here, so that it is
    an error, as is a source that is not of the input layer it names.
    """
    base = render.input(node, 0, frame)
    links = node["mappings"].value() or _straight(node)
    targets = [target for _, _, target in links]
    wanted = channels_of(node["out1"].value())
    if sorted(targets) != sorted(wanted):
        raise RuntimeError(f"{node._name}: {targets} is mapped, out1 is {wanted}")
    planes = {}
    for index, source, target in links:
        if source in ("black", "white"):
            value = np.float32(source == "white")
            planes[target] = np.full((base.box.height, base.box.width), value, np.float32)
            continue
        if source not in channels_of(node[f"in{index + 1}"].value()):
            raise RuntimeError(f"{node._name}: {source} is not in in{index + 1}")
        choice = int(node[f"fromInput{index + 1}"].getValue())
        planes[target] = render.input(node, choice, frame).plane(source, base.box)
    return base.with_planes(planes)


def _straight(node: Any) -> list[tuple[int, str, str]]:
    pairs = zip(channels_of(node["in1"].value()), channels_of(node["out1"].value()))  # noqa: B905
    return [(0, source, target) for source, target in pairs]


@op("Premult")
def premult(render: Render, node: Any, frame: int) -> Image:
    """Channels times alpha."""
    return _by_alpha(render, node, frame, lambda plane, alpha: plane * alpha)


@op("Unpremult")
def unpremult(render: Render, node: Any, frame: int) -> Image:
    """Channels over alpha; untouched where it is 0."""

    def divide(plane: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        out = plane.copy()
        np.divide(plane, alpha, out=out, where=alpha != 0)
        return out

    return _by_alpha(render, node, frame, divide)


def _by_alpha(
    render: Render, node: Any, frame: int, call: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Image:
    image = render.input(node, 0, frame)
    word = node["alpha"].value()
    alpha = image.plane(channels_of(word)[0])
    if node["invert"].value():
        alpha = 1 - alpha
    names = selected(image, node["channels"].value())
    return image.with_planes({name: call(image.planes[name], alpha) for name in names})


@op("Remove")
def remove(render: Render, node: Any, frame: int) -> Image:
    """Without the channels, or with them alone."""
    image = render.input(node, 0, frame)
    named: set[str] = set()
    for knob in ("channels", "channels2", "channels3", "channels4"):
        named.update(selected(image, node[knob].value()))
    keep = node["operation"].value() == "keep"
    return image.keep(name for name in image.planes if (name in named) == keep)


@op("AddChannels")
def add_channels(render: Render, node: Any, frame: int) -> Image:
    """Channels that are not there, in a colour."""
    image = render.input(node, 0, frame)
    values = colour(node, "color")
    planes = {}
    for knob in ("channels", "channels2", "channels3", "channels4"):
        for word in node[knob].value().split():
            for name in channels_of(word):
                if name not in image.planes:
                    shape = (image.box.height, image.box.width)
                    planes[name] = np.full(shape, values[component(name)], np.float32)
    return image.with_planes(planes)


def _per_channel(
    render: Render, node: Any, frame: int, call: Callable[[np.ndarray, int], np.ndarray]
) -> Image:
    if node["unpremult"].value() != "none":
        raise NotImplementedError("the double does not unpremultiply inside " + node._class)
    image = render.input(node, 0, frame)
    names = selected(image, node["channels"].value())
    after = image.with_planes({name: call(image.planes[name], component(name)) for name in names})
    return masked(render, node, frame, image, after)


@op("Multiply")
def multiply(render: Render, node: Any, frame: int) -> Image:
    """Channels times a colour."""
    value = colour(node, "value")
    return _per_channel(render, node, frame, lambda plane, i: plane * np.float32(value[i]))


@op("Add")
def add(render: Render, node: Any, frame: int) -> Image:
    """Channels plus a colour."""
    value = colour(node, "value")
    return _per_channel(render, node, frame, lambda plane, i: plane + np.float32(value[i]))


@op("Invert")
def invert(render: Render, node: Any, frame: int) -> Image:
    """1 minus channels."""
    if node["clamp"].value():
        return _per_channel(render, node, frame, lambda plane, i: np.clip(1 - plane, 0, 1))
    return _per_channel(render, node, frame, lambda plane, i: 1 - plane)


@op("Clamp")
def clamp(render: Render, node: Any, frame: int) -> Image:
    """Channels between two colours."""
    low = colour(node, "minimum") if node["minimum_enable"].value() else [-np.inf] * 4
    high = colour(node, "maximum") if node["maximum_enable"].value() else [np.inf] * 4
    return _per_channel(render, node, frame, lambda plane, i: np.clip(plane, low[i], high[i]))


@op("Grade")
def grade(render: Render, node: Any, frame: int) -> Image:
    """A = multiply (white - black) / (whitepoint - blackpoint); B = add + black - A blackpoint."""
    names = ("multiply", "add", "white", "black", "whitepoint", "blackpoint", "gamma")
    knobs = {name: colour(node, name) for name in names}
    if node["reverse"].value():
        raise NotImplementedError("the double does not reverse a Grade")

    def call(plane: np.ndarray, i: int) -> np.ndarray:
        at = {name: values[i] for name, values in knobs.items()}
        slope = at["multiply"] * (at["white"] - at["black"])
        slope /= at["whitepoint"] - at["blackpoint"]
        out = plane * np.float32(slope)
        out = out + np.float32(at["add"] + at["black"] - slope * at["blackpoint"])
        if at["gamma"] != 1:
            out = np.where(out > 0, np.abs(out) ** np.float32(1 / at["gamma"]), out)
        if node["black_clamp"].value():
            out = np.maximum(out, 0)
        return np.minimum(out, 1) if node["white_clamp"].value() else out

    return _per_channel(render, node, frame, call)


@op("Expression")
def expression(render: Render, node: Any, frame: int) -> Image:
    """Channels by formulas over r, g, b, a, x, y, other channels and the node's own names."""
    image = render.input(node, 0, frame)
    names: dict[str, Any] = {
        "r": image.plane("rgba.red"),
        "g": image.plane("rgba.green"),
        "b": image.plane("rgba.blue"),
        "a": image.plane("rgba.alpha"),
        "x": np.arange(image.box.x, image.box.r, dtype=np.float32)[None, :],
        "y": np.arange(image.box.y, image.box.t, dtype=np.float32)[:, None],
        "frame": frame,
    }

    def resolve(name: str) -> Any:
        if name in names:
            return names[name]
        for full in (name, "rgba." + name):
            if full in image.planes:
                return image.planes[full]
        return expressions.evaluate(name, node)

    for i in range(4):
        name = node[f"temp_name{i}"].value()
        if name:
            source = node[f"temp_expr{i}"].value()
            names[name] = expressions.calculate(source, resolve)
    planes = {}
    for i in range(4):
        source = node[f"expr{i}"].value()
        if source:
            value = expressions.calculate(source, resolve)
            shape = (image.box.height, image.box.width)
            for name in _mask_channels(node[f"channel{i}"].value()):
                planes[name] = np.broadcast_to(np.float32(value), shape).astype(np.float32)
    return masked(render, node, frame, image, image.with_planes(planes))


def _mask_channels(mask: str) -> list[str]:
    return [name for word in mask.split() for name in channels_of(word)]
