"""Pixel windows: where an image's pixels lie in the coordinate system of its display window."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels; x grows to the right, y downwards, as in the EXR specification."""

    x: int
    y: int
    width: int
    height: int

    @property
    def x_end(self) -> int:
        """One past the last column."""
        return self.x + self.width

    @property
    def y_end(self) -> int:
        """One past the last row."""
        return self.y + self.height

    @property
    def is_empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.width <= 0 or self.height <= 0

    def intersect(self, other: Window) -> Window:
        """Return the pixels that both windows hold; an empty window where there are none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Window(
            x,
            y,
            max(0, min(self.x_end, other.x_end) - x),
            max(0, min(self.y_end, other.y_end) - y),
        )

    def slices_of(self, part: Window) -> tuple[slice, slice]:
        """Return the rows and columns at which `part` lies in an array that covers this window."""
        return (
            slice(part.y - self.y, part.y_end - self.y),
            slice(part.x - self.x, part.x_end - self.x),
        )

    def __str__(self) -> str:
        """Return it as 1920x1080+0+0, as image tools write it."""
        return f"{self.width}x{self.height}{self.x:+d}{self.y:+d}"
