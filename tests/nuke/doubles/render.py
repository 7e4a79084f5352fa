"""Pulls an image out of the graph at a frame, as a Viewer or a Write would.

Each class has a function here or in `ops_*`, entered in OPS. A class without one is an error:
nothing passes through unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from doubles.image import Box, Image, box_of
from doubles.session import current

OPS: dict[str, Callable[[Any, Any, int], Image]] = {}


def op(*names: str) -> Callable[[Any], Any]:
    """Enter a function(render, node, frame) for classes of nodes."""

    def enter(function: Any) -> Any:
        for name in names:
            OPS[name] = function
        return function

    return enter


class Render:
    """One pull: an image is made once for each node, frame and view."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int, str], Image] = {}

    def image(self, node: Any, frame: int) -> Image:
        """Return a node's image. Raises RuntimeError where Nuke would show an error."""
        if node is None:
            raise RuntimeError("an input is not connected")
        session = current()
        key = (id(node), frame, session.view)
        if key not in self._made:
            session.frame_context.append(frame)
            try:
                self._made[key] = self._make(node, frame)
            finally:
                session.frame_context.pop()
        return self._made[key]

    def _make(self, node: Any, frame: int) -> Image:
        name = node._class
        if name in ("Group", "Output", "Input"):
            return self._graph(node, frame)
        if node["disable"].value() and node._inputs:
            return self.image(node._inputs[0], frame)
        if name not in OPS:
            raise NotImplementedError("the double does not know the pixels of " + name)
        return OPS[name](self, node, frame)

    def _graph(self, node: Any, frame: int) -> Image:
        if node._class == "Input":
            group = node._parent
            number = int(node["number"].value())
            return self.input(group, number, frame)
        if node._class == "Group" and not node["disable"].value():
            return self.image(node.output(), frame)
        return self.input(node, 0, frame)

    def input(self, node: Any, index: int, frame: int) -> Image:
        """Return the image of an input. Raises RuntimeError for one that is not connected."""
        source = node._inputs[index] if index < len(node._inputs) else None
        if source is None:
            raise RuntimeError(f"{node._name}: input {index} is not connected")
        return self.image(source, frame)

    def optional(self, node: Any, index: int, frame: int) -> Image | None:
        """Return the image of an input, or None."""
        source = node._inputs[index] if index < len(node._inputs) else None
        return None if source is None else self.image(source, frame)


def pull(node: Any, frame: int) -> Image:
    """Return a node's image at a frame."""
    # The other files of pixels enter their functions when they are imported.
    from doubles import inference, ops_colour, ops_merge, ops_source, ops_time  # noqa: F401

    return Render().image(node, int(frame))


def colour(node: Any, knob: str) -> list[float]:
    """Return the four numbers of a colour knob."""
    return [float(number) for number in node[knob].array()]


def selected(image: Image, mask: str) -> list[str]:
    """Return the channels of an image that a ChannelMask chooses."""
    from doubles.channels import channels_of

    if mask == "all":
        return list(image.planes)
    names = [name for word in mask.split() for name in channels_of(word)]
    return [name for name in names if name in image.planes]


def component(name: str) -> int:
    """Return which number of a colour belongs to a channel; others than rgb take the last one."""
    order = ["red", "green", "blue"]
    short = name.rpartition(".")[2]
    return order.index(short) if short in order else 3


def masked(render: Render, node: Any, frame: int, before: Image, after: Image) -> Image:
    """Mix a result with what was before it by `mix` and by the mask input."""
    mix = float(node["mix"].value())
    index = node._entry["mask_input"]
    mask_image = render.optional(node, index, frame)
    if mask_image is None and mix == 1:
        return after
    amount: Any = np.float32(mix)
    if mask_image is not None:
        mask = np.clip(_mask_plane(node, mask_image, after.box), 0, 1)
        amount = amount * ((1 - mask) if node["invert_mask"].value() else mask)
    planes = {
        name: before.plane(name, after.box) * (1 - amount) + plane * amount
        for name, plane in after.planes.items()
    }
    return after.with_planes(planes)


def _mask_plane(node: Any, image: Image, box: Box) -> np.ndarray:
    from doubles.channels import channels_of

    word = node["maskChannelMask"].value()
    names = ["rgba.alpha"] if word == "alpha" else channels_of(word)
    return image.plane(names[0], box)


__all__ = ["OPS", "Box", "Image", "Render", "box_of", "pull"]
