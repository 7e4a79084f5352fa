"""How much of the clean plate still shows in the plate: a cue for glass, smoke, veils and nets.

Where a foreground is smooth beside the set behind it, plate = alpha F + (1 - alpha) B makes the
plate's texture that of the clean plate times 1 - alpha, whatever colour F is. The slope of plate
over clean plate in a window is therefore 1 - alpha; over a solid subject it is 0. No reference is
known for it as a cue of a network; as a constraint it is that of Smith and Blinn, "Blue Screen
Matting" (1996), with the pixels of a window in the place of several backings.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from .blocks import shrink_padded

Tensor = torch.Tensor

CHANNELS = 3
"""What is said of each window."""
_LEAST, _MOST = -0.1, 4.0
"""Bounds of the scene-linear values that count: one lamp must not speak for its whole window."""
_FLOOR = 1e-4
"""Variance relative to the squared mean below which a window of the clean plate is flat."""


def measure_moments(
    plate: Tensor, clean: Tensor, times: int = 1, size: Sequence[int] | None = None
) -> Tensor:
    """Return means from which any window's slope can be had, at 1/4 of the resolution.

    plate, clean: N x 3 x H x W, scene-linear; their last rows and columns go on up to `size`,
    height and width, multiples of 4 x times; None: they are of such a size. N x 9: plate, clean
    plate (3 each), and means over the channels of plate x clean, clean squared and plate squared,
    all of 4 x 4 px means: finer texture drowns in the grain, and costs more than it tells. times:
    how many times smaller the frame is to be first.
    """
    size = plate.shape[2:] if size is None else size
    small = (shrink_padded(image, 4 * times, size) for image in (plate, clean))
    seen, behind = (image.clamp(_LEAST, _MOST) for image in small)
    pairs = ((seen, behind), (behind, behind), (seen, seen))
    products = [(one * other).mean(1, keepdim=True) for one, other in pairs]
    return torch.cat([seen, behind, *products], 1)


def transmission(moments: Tensor, window: int) -> Tensor:
    """Return what windows of `window` x `window` of the moments' pixels say: N x 3 x H x W.

    1 - slope of plate over clean plate, -1..2: alpha, where the foreground is smooth; their
    correlation, which is near 1 wherever the set shows through; and how much texture there is in
    the clean plate to tell by, about 0..1, logarithmic.
    """
    means = _window_means(moments, window)
    seen, behind, mixed, behind_square, seen_square = means.split((3, 3, 1, 1, 1), 1)
    together = mixed - (seen * behind).mean(1, keepdim=True)
    own = (behind_square - behind.square().mean(1, keepdim=True)).clamp_min(0)
    plates = (seen_square - seen.square().mean(1, keepdim=True)).clamp_min(0)
    level = (behind.mean(1, keepdim=True).abs() + 0.01).square()
    floor = _FLOOR * level
    alpha = (1 - together / (own + floor)).clamp(-1, 2)
    correlation = together / ((own * plates).sqrt() + floor)
    texture = 0.25 * torch.log10((own + floor) / level) + 0.5
    return torch.cat([alpha, correlation, texture], 1)


def halve(image: Tensor) -> Tensor:
    """Return means of 2 x 2 pixels, as `avg_pool2d` does, in a fraction of its time on a CPU."""
    return functional.interpolate(image, scale_factor=0.5, mode="bilinear")


def _window_means(image: Tensor, side: int) -> Tensor:
    """Return means over windows of side x side pixels; beyond the frame its edge goes on.

    On a CPU sums of shifted images, for the same reason.
    """
    reach = side // 2
    height, width = image.shape[2:]
    padded = functional.pad(image, (reach,) * 4, mode="replicate")
    if image.device.type != "cpu":
        return functional.avg_pool2d(padded, side, 1)
    rows = padded[:, :, :height].clone()
    for down in range(1, side):
        rows += padded[:, :, down : down + height]
    means = rows[..., :width].clone()
    for across in range(1, side):
        means += rows[..., across : across + width]
    return means.mul_(1 / side**2)
