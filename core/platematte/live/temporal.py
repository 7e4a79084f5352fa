"""The fusion of alpha with the frame before and the frame after, in TorchScript.

It is `solve.temporal` and `solve.match` once more, with their equations and constants, in the
operations of torch 1.6; there the reasons stand. What differs: two neighbours, not four. OpenCV's
sampling in steps of 1/32 pixel is kept, so that the same motion is found.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

Tensor = torch.Tensor

_native: Any = torch._C._nn
"""Operations that `torch.nn.functional` would wrap in calls that torch 1.6 does not have."""


class Fusion(nn.Module):
    """Averages alpha along the motion of the plate; tensors are 1 x C x H x W float32."""

    def __init__(self, encode: Any) -> None:
        """Take the encoded view as a module, `network.trace_encoding`."""
        super().__init__()
        self.encode = encode

    def trace(self, alpha: Tensor, plate: Tensor) -> list[Tensor]:
        """Return alpha, bounded, and the levels in which motion is looked for, finest first.

        alpha: 1 channel as the network answers. plate: 3 channels, scene-linear Rec.709.
        """
        bounded = alpha.clamp(-0.05, 1.05)
        small = halve(bounded).clamp(0.0, 1.0) * 0.02
        levels = [bounded, torch.cat([self.encode(halve(plate)), small], 1)]
        while len(levels) < 8 and min(levels[-1].shape[2], levels[-1].shape[3]) >= 48:
            levels.append(halve(levels[-1]))
        return levels

    def fuse(self, here: list[Tensor], beside: list[list[Tensor]]) -> Tensor:
        """Return alpha averaged with that of the traces beside it, not cut at 0 and 1."""
        own = here[0]
        # In smaller frames there is nothing to look for, and no room for patches.
        if min(own.shape[2], own.shape[3]) < 32:
            return own
        worth = [worth_of(level) for level in here[1:]]
        detail = detail_energy(plate_of(here))
        total, weight = own, torch.ones_like(own)
        for there in beside:
            field = find_displacement(here[1:], there[1:], worth)
            share = agreement(plate_of(here), plate_of(there), field, worth[0], detail)
            share = resize(share, own.shape[2], own.shape[3])
            moved = displace_cubic(there[0], scale(field, own.shape[2], own.shape[3]))
            total = total + share * moved
            weight = weight + share
        fused = total / weight
        is_subject, is_set = (own >= 1) & (fused > 1 - 1 / 64), (own <= 0) & (fused < 1 / 64)
        fused = torch.where(is_subject, fused.clamp_min(1.0), fused)
        return torch.where(is_set, fused.clamp_max(0.0), fused)


def plate_of(trace: list[Tensor]) -> Tensor:
    """Return the encoded plate of a trace at half resolution."""
    return trace[1].narrow(1, 0, 3)


def halve(image: Tensor) -> Tensor:
    """Return an image of half the size, odd sizes rounded up."""
    height, width = (image.shape[2] + 1) // 2, (image.shape[3] + 1) // 2
    return _native.adaptive_avg_pool2d(image, [height, width])


def blur(image: Tensor, side: int) -> Tensor:
    """Return means over squares; beyond the frame it is mirrored."""
    reach = side // 2
    padded = _native.reflection_pad2d(image, [reach, reach, reach, reach])
    return _native.avg_pool2d(padded, [side, side], [1, 1])


def resize(image: Tensor, height: int, width: int) -> Tensor:
    """Return an image at another size, bilinear."""
    return _native.upsample_bilinear2d(image, [height, width], False)


def scale(field: Tensor, height: int, width: int) -> Tensor:
    """Return a displacement at another size, in pixels of that size; 2 channels, x and y."""
    across, down = width / field.shape[3], height / field.shape[2]
    larger = resize(field, height, width)
    return torch.cat([larger.narrow(1, 0, 1) * across, larger.narrow(1, 1, 1) * down], 1)


def places(field: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and y (N x H x W) that a displacement points to, in steps of 1/32 pixel."""
    height, width = field.shape[2], field.shape[3]
    x, y = field.select(1, 0), field.select(1, 1)
    # Counted up from ones, since new numbers would need to be told the device.
    ones = torch.ones_like(x)
    x = (x + (torch.cumsum(ones, 2) - 1)).clamp(-8.0, width + 8.0)
    y = (y + (torch.cumsum(ones, 1) - 1)).clamp(-8.0, height + 8.0)
    return (x * 32).round() / 32, (y * 32).round() / 32


def displace(image: Tensor, field: Tensor) -> Tensor:
    """Return an image as it lies in the frame that the displacement starts from, bilinear."""
    x, y = places(field)
    across, down = 2 / (image.shape[3] - 1), 2 / (image.shape[2] - 1)
    grid = torch.stack([x * across - 1, y * down - 1], 3)
    # 0: bilinear; 1: the edge goes on; corners are pixel centres.
    return torch.grid_sampler(image, grid, 0, 1, True)


def displace_exactly(image: Tensor, field: Tensor) -> Tensor:
    """Return what `displace` returns for one frame, with its places to the last bit.

    The sampling of torch counts places from -1 to 1, which loses some hundred thousandths of a
    pixel: enough that of what is refined by fractions of one, some is rounded to another 1/32.
    """
    channels, height, width = image.shape[1], image.shape[2], image.shape[3]
    x, y = places(field)
    x, y = x.clamp(0.0, width - 1.0), y.clamp(0.0, height - 1.0)
    left, top = x.floor(), y.floor()
    across, down = x - left, y - top
    right, under = (left + 1).clamp_max(width - 1.0), (top + 1).clamp_max(height - 1.0)
    flat = image.reshape(channels, -1)
    moved = torch.zeros_like(image)
    for row in range(2):
        # Counted in integers: float32 holds no more than 2^24 pixels.
        line = (top if row == 0 else under).long() * width
        part = (1 - down) if row == 0 else down
        for column in range(2):
            place = (line + (left if column == 0 else right).long()).reshape(-1)
            weight = part * ((1 - across) if column == 0 else across)
            moved = moved + weight * flat.index_select(1, place).reshape(image.shape)
    return moved


def cubic_weights(part: Tensor) -> list[Tensor]:
    """Return the weights of four pixels around a place between the second and the third."""
    a = -0.75
    one, rest = part + 1, 1 - part
    first = ((a * one - 5 * a) * one + 8 * a) * one - 4 * a
    second = ((a + 2) * part - (a + 3)) * part * part + 1
    third = ((a + 2) * rest - (a + 3)) * rest * rest + 1
    return [first, second, third, 1 - first - second - third]


def displace_cubic(image: Tensor, field: Tensor) -> Tensor:
    """Return an image of one channel, displaced, bicubic."""
    height, width = image.shape[2], image.shape[3]
    x, y = places(field)
    x, y = x.select(0, 0), y.select(0, 0)
    left, top = x.floor(), y.floor()
    across, down = torch.stack(cubic_weights(x - left), 0), cubic_weights(y - top)
    columns = torch.stack([left - 1, left, left + 1, left + 2], 0).clamp(0.0, width - 1.0).long()
    flat, moved = image.reshape(-1), torch.zeros_like(x)
    for row in range(4):
        line = (top + (row - 1)).clamp(0.0, height - 1.0).long() * width
        moved = moved + down[row] * (across * flat.take(line + columns)).sum(0)
    return moved.unsqueeze(0).unsqueeze(0)


def squared_difference(one: Tensor, other: Tensor) -> Tensor:
    """Return the squared difference, summed over the channels."""
    difference = other - one
    return (difference * difference).sum(1, keepdim=True)


def find_displacement(here: list[Tensor], there: list[Tensor], worth: list[Tensor]) -> Tensor:
    """Return where each pixel of `here` lies in `there`: 2 channels, x and y."""
    coarsest = len(here) - 1
    field = torch.zeros_like(here[coarsest].narrow(1, 0, 2))
    level = coarsest
    while level >= 0:
        one, other, weight = here[level], there[level], worth[level]
        if field.shape[2] != one.shape[2] or field.shape[3] != one.shape[3]:
            field = scale(field, one.shape[2], one.shape[3])
        rounds = 3 if level == coarsest else 1
        if level < 2 and level < coarsest:
            rounds = 0
        for _ in range(rounds):
            field = median(step(one, other, weight, field))
        refinements = 2 if level == 0 else 1
        if level > 2:
            refinements = 0
        for _ in range(refinements):
            field = median(refine(one, other, weight, field))
        level -= 1
    return field


def step(here: Tensor, there: Tensor, worth: Tensor, field: Tensor) -> Tensor:
    """Move each pixel by one pixel or none, to where its patch differs least."""
    moves: list[Tensor] = []
    stay: list[Tensor] = []
    one = torch.ones_like(worth)
    for y in range(-1, 2):
        for x in range(-1, 2):
            moves.append(torch.cat([one * x, one * y], 1))
            stay.append(one * (2e-5 * (x * x + y * y)))
    # All nine at once: few large operations, where TorchScript would compile many small ones.
    around = torch.cat(moves, 0)
    moved = displace(there.expand(9, -1, -1, -1), field + around)
    cost = blur(worth * (squared_difference(here, moved) + torch.cat(stay, 0)), 7)
    best = torch.min(cost, 0, True)[1].expand(-1, 2, -1, -1)
    return field + torch.gather(around, 0, best)


def refine(here: Tensor, there: Tensor, worth: Tensor, field: Tensor) -> Tensor:
    """Move each pixel by a fraction of a pixel, to where its patch differs least."""
    moved = displace_exactly(there, field)
    mean = 0.5 * (here + moved)
    along_x, along_y = slope(mean, 3), slope(mean, 2)
    difference = moved - here
    xx = patch_sum(worth, along_x, along_x)
    xy = patch_sum(worth, along_x, along_y)
    yy = patch_sum(worth, along_y, along_y)
    xd = patch_sum(worth, along_x, difference)
    yd = patch_sum(worth, along_y, difference)
    hold = 1e-5 * blur(worth, 7)
    xx, yy = xx + hold, yy + hold
    scaled = -1 / (xx * yy - xy * xy)
    change = torch.cat([scaled * (yy * xd - xy * yd), scaled * (xx * yd - xy * xd)], 1)
    return field + change.clamp(-0.75, 0.75)


def patch_sum(worth: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Return a product, summed over channels, averaged over patches."""
    return blur(worth * (one * other).sum(1, keepdim=True), 7)


def slope(image: Tensor, dim: int) -> Tensor:
    """Return the gradient along a dimension, 3 (x) or 2 (y)."""
    size = image.shape[dim]
    padded = _native.reflection_pad2d(image, [1, 1, 1, 1])
    padded = padded.narrow(5 - dim, 1, image.shape[5 - dim])
    return 0.5 * (padded.narrow(dim, 2, size) - padded.narrow(dim, 0, size))


def median(field: Tensor) -> Tensor:
    """Return medians over 5 x 5 pixels."""
    padded = _native.replication_pad2d(field, [2, 2, 2, 2]).permute(1, 0, 2, 3)
    patches = _native.im2col(padded, [5, 5], [1, 1], [0, 0], [1, 1])
    return torch.median(patches, 1)[0].reshape(field.shape)


def agreement(one: Tensor, there: Tensor, field: Tensor, worth: Tensor, detail: float) -> Tensor:
    """Return what a neighbour counts at each pixel, 0..1; 0 everywhere for another shot."""
    difference = worth * squared_difference(one, displace_exactly(there, field))
    difference = blur(difference, 5) / blur(worth, 5)
    grain = min(quantile(difference, 0.25), 2 * detail)
    limit = 16.0 * min(max(grain, 3 * 0.01 * 0.01), 3 * 0.05 * 0.05)
    close = (2 - 2 * difference / limit).clamp(0.0, 1.0)
    small = -torch.max_pool2d(-close, [3, 3], [1, 1], [1, 1])
    if float((small > 0).float().mean()) < 0.5:
        return small * 0
    return small


def detail_energy(plate: Tensor) -> float:
    """Return the energy of the finest detail, summed over channels; median over patches."""
    padded = _native.reflection_pad2d(plate, [1, 1, 1, 1])
    height, width = plate.shape[2], plate.shape[3]
    rows = second(padded.narrow(2, 0, height), padded.narrow(2, 1, height),
                  padded.narrow(2, 2, height))  # fmt: skip
    detail = second(rows.narrow(3, 0, width), rows.narrow(3, 1, width), rows.narrow(3, 2, width))
    return quantile(blur((detail * detail).sum(1, keepdim=True) / 36, 5), 0.5)


def second(before: Tensor, here: Tensor, after: Tensor) -> Tensor:
    """Return the second difference."""
    return before - 2 * here + after


def worth_of(level: Tensor) -> Tensor:
    """Return what each pixel counts in its patch: the subject's much, the set's little."""
    alpha = blur(level.narrow(1, 3, 1), 5) / 0.02
    return 0.05 + alpha * alpha


def quantile(image: Tensor, part: float) -> float:
    """Return the value that a part of every second pixel of every second row is below."""
    thin = torch.max_pool2d(image, [1, 1], [2, 2]).reshape(-1)
    ordered = torch.sort(thin)[0]
    place = part * (ordered.shape[0] - 1)
    low = int(place)
    high = min(low + 1, ordered.shape[0] - 1)
    below, above = float(ordered[low]), float(ordered[high])
    return below + (above - below) * (place - low)
