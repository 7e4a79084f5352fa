"""What the published networks see: plain sRGB, cut at black and white, as of an 8-bit image.

They were never shown anything brighter. Nothing is rounded to 8 bits: that was the files' doing.
"""

from __future__ import annotations

import torch

from ..matter import Cues

Tensor = torch.Tensor


def encode_srgb(linear: Tensor) -> Tensor:
    """Return scene-linear Rec.709 values as sRGB in 0..1 (IEC 61966-2-1); what is beyond is cut."""
    inside = linear.clamp(0.0, 1.0)
    curve = 1.055 * inside.clamp_min(0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(inside <= 0.0031308, 12.92 * inside, curve)


def decode_srgb(encoded: Tensor) -> Tensor:
    """Return the scene-linear values of sRGB in 0..1."""
    curve = ((encoded.clamp_min(0.04045) + 0.055) / 1.055).pow(2.4)
    return torch.where(encoded <= 0.04045, encoded / 12.92, curve)


def encode_pair(cues: Cues) -> tuple[Tensor, Tensor]:
    """Return the views of plate and clean plate, N x 3 x H x W each."""
    return encode_srgb(cues.plate), encode_srgb(cues.clean)
