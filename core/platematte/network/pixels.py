"""What is done to every pixel of a frame beside the layers, by torch alone.

Whoever runs the network on a few CPU cores may give it something quicker (`opencv_pixels`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from .blocks import channels_last

Tensor = torch.Tensor


class Pixels:
    """Logarithms, powers, interleaving and enlarging, on any device and in any type."""

    def log_(self, values: Tensor) -> Tensor:
        """Return the natural logarithm of positive values, in their own memory."""
        return values.log_()

    def exp_(self, values: Tensor) -> Tensor:
        """Return e to the power of values, in their own memory."""
        return values.exp_()

    def lay_together(self, planes: Tensor, packed: Tensor) -> None:
        """Copy N x C x H x W into a tensor of that size whose channels lie together in memory."""
        packed.copy_(planes)

    def join(self, planes: Sequence[Tensor]) -> Tensor:
        """Return N x 1 x H x W each as one tensor whose channels lie together in memory."""
        return channels_last(torch.cat(list(planes), 1))

    def upsample(self, features: Tensor, times: int) -> Tensor:
        """Return features at `times` the height and width, bilinear."""
        # One channel at a time: torch takes half as long for planes as for three channels.
        planes = features.contiguous().flatten(0, 1)[:, None]
        larger = functional.interpolate(planes, scale_factor=times, mode="bilinear")
        return larger[:, 0].unflatten(0, features.shape[:2])


PLAIN = Pixels()
