"""The channels of the live model, in the order of its tensors, and their names in Nuke.

The TorchScript, the CatFileCreator preset, the gizmo and their documentation all have this order.
"""

from __future__ import annotations

FRAME_CHANNELS = 9
"""Channels of one frame; the model takes those of one frame, or of three (`TIMES`)."""
TIMES = ("this frame", "the frame before", "the frame after")

_RGB = ("red", "green", "blue")
_MATTES = ("garbage", "core")
_LAYERS = (
    ("rgba", "live_clean", "live_mattes"),
    ("live_before", "live_before_clean", "live_before_mattes"),
    ("live_after", "live_after_clean", "live_after_mattes"),
)
"""Layers of each of TIMES: plate, clean plate with its coverage in alpha, mattes."""


def _names(plate: str, clean: str, mattes: str) -> tuple[str, ...]:
    layers = ((plate, _RGB), (clean, (*_RGB, "alpha")), (mattes, _MATTES))
    return tuple(f"{layer}.{channel}" for layer, channels in layers for channel in channels)


CHANNELS_IN = tuple(name for layers in _LAYERS for name in _names(*layers))
"""27 channels: plate (3), clean plate (3), its coverage, garbage and core, for each of TIMES."""
CHANNELS_OUT = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha", "confidence.Y")
"""5 channels: premultiplied foreground (3), alpha and the confidence of alpha."""
