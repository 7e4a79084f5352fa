"""A first guess of the foreground's colour: that of the nearest pixels that are least of the set.

Hair and blurred edges are projected onto the line from clean plate to foreground; what the network
adds to the plate's own colour it must first learn to carry over from beside. Here it is carried
over by pull and push (Gortler et al., "The Lumigraph", 1996, section 3.4): weighted means of ever
larger blocks, and back, each pixel with the smallest block that has something to say. The network
is shown the guess, and leans towards it as far as it trusts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .blocks import upsample2

Tensor = torch.Tensor

CHANNELS = 8
"""What the network is shown of it."""
_LEVELS = 5
"""Blocks of up to 2^5 of the guess's pixels."""
_SAME, _OTHER = 0.05, 0.15
"""Differences of the encoded views up to which a pixel is surely set, from which surely not."""
_LEAST, _FULL = 0.03, 0.25
"""Differences from which on a pixel's colour is carried over at all, and in full."""
_FAVOUR = 4
"""Of neighbours the one that is farther from the set speaks: by this power of its difference."""
_ANY_APART, _ANY_WEIGHT = 1e-3, 1e-7
"""Where nothing differs, something still has to be said; what differs outweighs it."""
_ENOUGH = 0.05
"""Mean weight of a block that speaks for itself."""
_FLOOR = 0.003
"""Keeps alpha at 0 where guess and clean plate are the same colour."""


@dataclass(frozen=True)
class Guess:
    """colour: N x 3 x H x W, straight, in the encoded view. cue: N x CHANNELS x H x W."""

    colour: Tensor
    cue: Tensor

    def rows(self, start: int, end: int) -> Guess:
        """Return the same guess for some of its rows."""
        return Guess(self.colour[:, :, start:end], self.cue[:, :, start:end])


def guess_foreground(plate: Tensor, clean: Tensor, trust: Tensor) -> Guess:
    """Return a guess for a frame; all N x C x H x W, the whole frame at a fraction of its size.

    plate, clean: 3 channels, encoded views. trust: 1 channel, 0 where there is no clean plate. The
    cue: guess less clean plate (3), guess less plate (3), alpha between the two by projection in
    the encoded view, -0.2..1.2 (1), and how surely the plate is not the set, 0..1 (1).
    """
    apart = (plate - clean).abs().amax(1, keepdim=True)
    sure = ((apart - _SAME) / (_OTHER - _SAME)).clamp(0, 1) * trust
    weight = ((apart - _LEAST) / (_FULL - _LEAST)).clamp(0, 1) * trust + _ANY_WEIGHT
    colour = carry_over(_least_mixed(plate, weight * (apart + _ANY_APART) ** _FAVOUR), weight)
    line = colour - clean
    length = line.square().sum(1, keepdim=True) + _FLOOR
    alpha = ((plate - clean) * line).sum(1, keepdim=True) / length
    return Guess(colour, torch.cat([line, colour - plate, alpha.clamp(-0.2, 1.2), sure], 1))


def _least_mixed(image: Tensor, weight: Tensor) -> Tensor:
    """Return weighted means of 3 x 3 pixels: at an edge, with such weights, of its inner side."""
    sums, known = (
        functional.avg_pool2d(part, 3, 1, 1, count_include_pad=False)
        for part in (image * weight, weight)
    )
    return sums / known.clamp_min(1e-20)


def carry_over(image: Tensor, weight: Tensor) -> Tensor:
    """Return the image, where its weight is small that of the nearest with enough weight."""
    height, width = image.shape[2:]
    block = 2**_LEVELS
    # What is beyond the frame has no weight.
    beyond = (0, -width % block, 0, -height % block)
    sums = [functional.pad(image * weight, beyond)]
    weights = [functional.pad(weight, beyond)]
    for _ in range(_LEVELS):
        sums.append(functional.avg_pool2d(sums[-1], 2))
        weights.append(functional.avg_pool2d(weights[-1], 2))
    means = [total / known.clamp_min(1e-12) for total, known in zip(sums, weights, strict=True)]
    carried = means[-1]
    for mean, known in zip(means[-2::-1], weights[-2::-1], strict=True):
        carried = torch.lerp(upsample2(carried), mean, (known / _ENOUGH).clamp(0, 1))
    return carried[:, :, :height, :width]
