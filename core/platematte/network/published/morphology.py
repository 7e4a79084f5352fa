"""Growing, shrinking, blurring and labelling of masks; N x 1 x H x W throughout.

The two shapes are the ellipses of 3x3 and 5x5 pixels that the seed's pre-processing names. Beyond
the edge of the image nothing is known, so that it neither grows nor shrinks anything.
"""

from __future__ import annotations

import torch
from torch import nn

Tensor = torch.Tensor


def dilate(mask: Tensor, side: int, times: int = 1) -> Tensor:
    """Return the mask grown by an ellipse of 3x3 or 5x5 pixels, some times over."""
    for _ in range(times):
        # An ellipse of 3 pixels is a cross; one of 5 is a cross with its corners filled.
        wide = (1, 3) if side == 3 else (3, 5)
        mask = torch.maximum(_highest(mask, wide), _highest(mask, (side, 1)))
    return mask


def erode(mask: Tensor, side: int, times: int = 1) -> Tensor:
    """Return the mask shrunk by an ellipse of 3x3 or 5x5 pixels, some times over."""
    return -dilate(-mask, side, times)


def blur(mask: Tensor, side: int) -> Tensor:
    """Return the mask under a Gaussian of an odd side, mirrored at the edges.

    Its sigma is what OpenCV takes for that side: 0.3 ((side - 1) / 2 - 1) + 0.8.
    """
    reach = side // 2
    sigma = 0.3 * (reach - 1) + 0.8
    steps = torch.arange(-reach, reach + 1, dtype=torch.float32, device=mask.device)
    kernel = torch.exp(-steps.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = nn.functional.pad(mask.float(), (reach,) * 4, mode="reflect")
    rows = nn.functional.conv2d(padded, kernel.view(1, 1, -1, 1))
    return nn.functional.conv2d(rows, kernel.view(1, 1, 1, -1))


def largest_component(mask: Tensor) -> Tensor:
    """Return the largest connected part (8 neighbours) of one mask, 1 x 1 x H x W, True inside.

    Every pixel takes the highest label beside it and then that label's own label, which carries
    labels over any distance in few steps.
    """
    inside = mask > 0
    numbers = torch.arange(1, mask.numel() + 1, device=mask.device).view_as(mask) * inside
    while True:
        # Float32 holds whole numbers up to 2^24, more than any frame that is labelled here.
        highest = _highest(numbers.float(), (3, 3)).long() * inside
        jumped = torch.cat([highest.new_zeros(1), highest.flatten()])[highest]
        if torch.equal(jumped, numbers):
            break
        numbers = jumped
    sizes = torch.bincount(numbers[inside], minlength=1)
    return inside if sizes.sum() == 0 else numbers == sizes.argmax()


def _highest(mask: Tensor, sides: tuple[int, int]) -> Tensor:
    return nn.functional.max_pool2d(mask, sides, 1, (sides[0] // 2, sides[1] // 2))
