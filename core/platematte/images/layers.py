"""A finished frame and how its arrays become named EXR channels that Nuke and Blender accept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from platematte.images.window import Window

LAYER_CHANNELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "foreground": ("R", "G", "B"),
        "clean": ("R", "G", "B"),
        "residual": ("R", "G", "B"),
        "confidence": ("Y",),
    }
)
"""The optional layers in the order they are written, and each one's channels."""

FLOAT_LAYERS: Final = frozenset({"residual"})
"""Layers of 32-bit floats: a residual of half precision would hide what it is there to show."""


@dataclass(frozen=True)
class MatteFrame:
    """One finished frame; all arrays are float32 and cover the data window, scene-linear."""

    premult: np.ndarray
    """Premultiplied foreground, H x W x 3."""
    alpha: np.ndarray
    """H x W x 1 in 0..1."""
    data_window: Window
    display_window: Window
    pixel_aspect: float = 1.0
    layers: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Optional layers by name: foreground, clean, residual H x W x 3, confidence H x W x 1."""
    colorspace: str | None = None
    """Working space that the colours are in."""
    plate_space: str | None = None
    """Colour space of the plate's file."""
    number: int | None = None
    """Frame number, for errors."""

    def __post_init__(self) -> None:
        """Refuse unknown layers and arrays that do not cover the data window."""
        unknown = set(self.layers) - set(LAYER_CHANNELS)
        if unknown:
            raise ValueError(f"there are no layers called {', '.join(sorted(unknown))}")
        size = (self.data_window.height, self.data_window.width)
        wanted = {"premult": 3, "alpha": 1, **{k: len(LAYER_CHANNELS[k]) for k in self.layers}}
        for name, channels in wanted.items():
            array = getattr(self, name) if name in ("premult", "alpha") else self.layers[name]
            if array.shape != (*size, channels):
                raise ValueError(f"{name} is {array.shape}, not {(*size, channels)}")


@dataclass(frozen=True)
class Layer:
    """Some channels of the file: their names, their type in the file and their pixels."""

    channels: tuple[str, ...]
    channel_type: str
    pixels: np.ndarray


def layers_of(frame: MatteFrame) -> Iterator[Layer]:
    """Yield what a file of this frame holds, in order: R, G, B, A, then the optional layers."""
    yield Layer(("R", "G", "B"), "half", frame.premult)
    yield Layer(("A",), "half", frame.alpha)
    for name, channels in LAYER_CHANNELS.items():
        if name in frame.layers:
            yield Layer(
                tuple(f"{name}.{channel}" for channel in channels),
                "float" if name in FLOAT_LAYERS else "half",
                frame.layers[name],
            )
