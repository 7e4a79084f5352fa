"""An image as Nuke has it: planes within a bounding box, y up, apart from the format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from doubles.formats import Format


class Box(NamedTuple):
    """x, y inclusive, r, t exclusive; y up, (0, 0) is the format's lower left corner."""

    x: int
    y: int
    r: int
    t: int

    @property
    def width(self) -> int:
        return max(self.r - self.x, 0)

    @property
    def height(self) -> int:
        return max(self.t - self.y, 0)

    def union(self, other: Box) -> Box:
        if not other.width or not other.height:
            return self
        if not self.width or not self.height:
            return other
        return Box(
            min(self.x, other.x), min(self.y, other.y), max(self.r, other.r), max(self.t, other.t)
        )

    def intersection(self, other: Box) -> Box:
        box = Box(
            max(self.x, other.x), max(self.y, other.y), min(self.r, other.r), min(self.t, other.t)
        )
        return box if box.width and box.height else Box(self.x, self.y, self.x, self.y)

    def moved(self, dx: int, dy: int) -> Box:
        return Box(self.x + dx, self.y + dy, self.r + dx, self.t + dy)


def box_of(format: Format) -> Box:
    """Return the box that a format covers."""
    return Box(0, 0, format.width(), format.height())


@dataclass
class Image:
    """Planes by channel name, float32 H x W over `box`, row 0 is the lowest."""

    format: Format
    box: Box
    planes: dict[str, np.ndarray] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, plane in self.planes.items():
            expected = (self.box.height, self.box.width)
            assert plane.shape == expected, (name, plane.shape, expected)
            assert plane.dtype == np.float32, (name, plane.dtype)

    def plane(self, name: str, box: Box | None = None) -> np.ndarray:
        """Return a channel over a box: 0 outside the image's own, and where there is no channel.

        Nuke repeats edges in some nodes where the box ends within the format. The double does not.
        """
        box = box or self.box
        source = self.planes.get(name)
        if source is not None and box == self.box:
            return source
        out = np.zeros((box.height, box.width), np.float32)
        common = box.intersection(self.box)
        if source is not None and common.width and common.height:
            out[_rows(common, box), _columns(common, box)] = source[
                _rows(common, self.box), _columns(common, self.box)
            ]
        return out

    def over_box(self, box: Box) -> Image:
        """Return the image over another box."""
        planes = {name: self.plane(name, box) for name in self.planes}
        return replace(self, box=box, planes=planes)

    def with_planes(self, planes: dict[str, np.ndarray]) -> Image:
        """Return the image with some channels replaced or added."""
        merged = dict(self.planes)
        merged.update({name: plane.astype(np.float32) for name, plane in planes.items()})
        return replace(self, planes=merged)

    def keep(self, names: Iterable[str]) -> Image:
        """Return the image with these channels only."""
        wanted = set(names)
        return replace(self, planes={n: p for n, p in self.planes.items() if n in wanted})

    def rgba(self) -> np.ndarray:
        """Return H x W x 4, top row first, for comparing with files and engine results."""
        names = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
        return np.stack([self.plane(name) for name in names], axis=-1)[::-1]


def _rows(part: Box, whole: Box) -> slice:
    return slice(part.y - whole.y, part.t - whole.y)


def _columns(part: Box, whole: Box) -> slice:
    return slice(part.x - whole.x, part.r - whole.x)
