"""Which channels of a file are its colour and which is its matte, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Rec.709 luminance weights, which the EXR specification prescribes for luminance/chroma images
# without a chromaticities attribute.
_REC709_WEIGHTS = (0.2126, 0.7152, 0.0722)
_GREY_NAMES = ("Y", "L", "GRAY", "GREY")


@dataclass(frozen=True)
class ColourChannels:
    """Where the colour is: three channels, one grey channel, or luminance and two chromas."""

    indices: tuple[int, ...]
    is_luminance_chroma: bool = False

    def extract(self, pixels: np.ndarray) -> np.ndarray:
        """Return H x W x 3 from H x W x C, in the file's own colour space."""
        if self.is_luminance_chroma:
            return _from_luminance_chroma(*(pixels[..., index] for index in self.indices))
        if len(self.indices) == 1:
            return np.repeat(pixels[..., self.indices], 3, axis=2)
        if self.indices == tuple(range(pixels.shape[2])):
            return pixels
        return np.ascontiguousarray(pixels[..., self.indices])


def find_colour(names: tuple[str, ...], first_view: str | None = None) -> ColourChannels | None:
    """Return the colour channels, or None when no channel is a colour.

    The unnamed layer comes first, then the first view, then layers in the file's order, so that
    `R` wins over `rgba.R`, and `rgba.R` over nothing.
    """
    layers = _layers(names)
    order = sorted(layers, key=lambda layer: (layer != "", layer != first_view))
    for layer in order:
        found = _colour_of_layer(layers[layer])
        if found is not None:
            return found
    grey = layers.get("", {})
    for name in _GREY_NAMES:
        # X beside Y is a position or CIE colour, not a grey image.
        if name in grey and "X" not in grey:
            return ColourChannels((grey[name],))
    return None


def find_alpha(names: tuple[str, ...]) -> int | None:
    """Return the channel that is the alpha: `A`, or the first layer's `.A`."""
    layers = _layers(names)
    for layer in sorted(layers, key=lambda layer: layer != ""):
        for name in ("A", "ALPHA"):
            if name in layers[layer]:
                return layers[layer][name]
    return None


def _layers(names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    layers: dict[str, dict[str, int]] = {}
    for index, name in enumerate(names):
        layer, _, channel = name.rpartition(".")
        layers.setdefault(layer, {})[channel.upper()] = index
    return layers


def _colour_of_layer(channels: dict[str, int]) -> ColourChannels | None:
    for triple in (("R", "G", "B"), ("RED", "GREEN", "BLUE")):
        if all(name in channels for name in triple):
            return ColourChannels(tuple(channels[name] for name in triple))
    if all(name in channels for name in ("Y", "RY", "BY")):
        return ColourChannels(tuple(channels[name] for name in ("Y", "RY", "BY")), True)
    return None


def _from_luminance_chroma(
    luminance: np.ndarray, red_chroma: np.ndarray, blue_chroma: np.ndarray
) -> np.ndarray:
    # RY = (R - Y) / Y and BY = (B - Y) / Y, and Y is the weighted sum of R, G and B.
    red_weight, green_weight, blue_weight = _REC709_WEIGHTS
    red = (red_chroma + 1.0) * luminance
    blue = (blue_chroma + 1.0) * luminance
    green = (luminance - red_weight * red - blue_weight * blue) / green_weight
    return np.stack([red, green, blue], axis=2).astype(np.float32)
