"""What a camera, a codec and a colourist do to an image, each sample of a batch in its own way.

Images are N x 3 x S x S, scene-linear. Which of it happens to a clean plate, and how strongly, is
said in `faults`.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from ..network.encode import decode_view, encode_view
from .dice import Dice, grid_px

Tensor = torch.Tensor


def blur(image: Tensor, sigma_px: Tensor) -> Tensor:
    """Return each image of a batch under its own Gaussian; sigma_px: N x 1 x 1 x 1, up to 5."""
    radius = max(1, math.ceil(2.5 * float(sigma_px.max())))
    x = torch.arange(-radius, radius + 1, device=image.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (x / sigma_px.view(-1, 1).clamp_min(1e-2)).square())
    kernel = kernel / kernel.sum(1, keepdim=True)
    count, channels, height, width = image.shape
    flat = image.reshape(1, count * channels, height, width)
    weight = kernel.repeat_interleave(channels, 0)
    flat = functional.pad(flat, (radius,) * 4, mode="reflect")
    flat = functional.conv2d(flat, weight.view(-1, 1, 1, 2 * radius + 1), groups=count * channels)
    flat = functional.conv2d(flat, weight.view(-1, 1, 2 * radius + 1, 1), groups=count * channels)
    return flat.view(count, channels, height, width)


def streak(dice: Dice, image: Tensor, length_px: Tensor) -> Tensor:
    """Return each image blurred along its own direction, as motion does; length: N x 1 x 1 x 1."""
    angle = dice.uniform(0, 2 * math.pi, image.shape[0], 1, 1, 1)
    return streak_along(image, torch.cos(angle) * length_px, torch.sin(angle) * length_px)


def streak_along(image: Tensor, dx_px: Tensor, dy_px: Tensor, taps: int = 11) -> Tensor:
    """Return each image blurred over a way of its own, N x 1 x 1 x 1 each, centred on it."""
    total = torch.zeros_like(image)
    for tap in range(taps):
        part = tap / (taps - 1) - 0.5
        total += shift(image, dx_px * part, dy_px * part, "border")
    return total / taps


def shift(image: Tensor, dx_px: Tensor, dy_px: Tensor, padding: str = "reflection") -> Tensor:
    """Return each image moved by its own fraction of pixels (N x 1 x 1 x 1 each), bilinear."""
    zero = torch.zeros_like(dx_px)
    return warp(image, zero, zero, dx_px, dy_px, padding)


def warp(
    image: Tensor,
    angle: Tensor,
    growth: Tensor,
    dx_px: Tensor,
    dy_px: Tensor,
    padding: str = "reflection",
) -> Tensor:
    """Return each image rotated (radians), scaled by exp(growth) and moved; bilinear."""
    size = image.shape[-1]
    x, y = grid_px(size, image.device)
    scale = torch.exp(-growth)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    u = cos * x - sin * y - dx_px
    v = sin * x + cos * y - dy_px
    place = torch.stack([u, v], -1).squeeze(1) * (2 / size)
    return functional.grid_sample(
        image, place, mode="bilinear", padding_mode=padding, align_corners=False
    )


def grain(dice: Dice, image: Tensor, strength: Tensor) -> Tensor:
    """Return the image with the grain of a sensor or a film stock.

    strength: N x 1 x 1 x 1, about the deviation at diffuse white; part of it is constant, part
    grows with the square root of light. Half of the time grains are larger than a pixel, as on
    film and in demosaiced footage; blue is up to twice as coarse as green.
    """
    return image + grain_field(dice, image, strength)


def grain_field(dice: Dice, image: Tensor, strength: Tensor) -> Tensor:
    """Return what `grain` adds to an image."""
    count, channels, size, _ = image.shape
    field = dice.normal(count, channels, size, size)
    some = dice.some(0.5, count)
    if len(some):
        soft = blur(field[some], dice.uniform(0.4, 0.9, len(some), 1, 1, 1))
        field[some] = soft / soft.std((1, 2, 3), keepdim=True).clamp_min(1e-3)
    mono = dice.uniform(0, 0.8, count, 1, 1, 1)
    field = field * (1 - mono) + field.mean(1, keepdim=True) * mono * 1.5
    blue = 1 + torch.cat([0.3 * mono, torch.zeros_like(mono), 1 - mono], 1) * 0.8
    return strength * blue * (0.15 + image.clamp_min(0).sqrt().clamp_max(3.0)) * field


def _dct_matrix(device: torch.device) -> Tensor:
    k = torch.arange(8, device=device, dtype=torch.float32)
    matrix = torch.cos((2 * k.view(1, 8) + 1) * k.view(8, 1) * math.pi / 16) * 0.5
    matrix[0] /= math.sqrt(2)
    return matrix


def codec(image: Tensor, strength: Tensor) -> Tensor:
    """Return the image as a block codec leaves it; strength: N x 1 x 1 x 1, 0 leaves it alone.

    The encoded view's 8x8 blocks lose their small DCT coefficients, high frequencies first.
    """
    some = torch.nonzero(strength.flatten() > 0).flatten()
    if not len(some):
        return image
    count, (_, channels, size, _) = len(some), image.shape
    matrix = _dct_matrix(image.device)
    encoded = encode_view(image[some])
    blocks = encoded.view(count, channels, size // 8, 8, size // 8, 8).transpose(3, 4)
    spectrum = matrix @ blocks @ matrix.T
    ramp = torch.arange(8, device=image.device, dtype=torch.float32)
    quantum = strength[some].view(-1, 1, 1, 1, 1, 1) * (1 + ramp.view(8, 1) + ramp.view(1, 8))
    blocks = matrix.T @ ((spectrum / quantum).round() * quantum) @ matrix
    coded = image.clone()
    coded[some] = decode_view(blocks.transpose(3, 4).reshape(count, channels, size, size))
    return coded


def regrade(dice: Dice, image: Tensor, gain: float, balance: float, gamma: float) -> Tensor:
    """Return the image with its own gain, white balance and gamma; the figures are deviations."""
    count = image.shape[0]
    stops = gain * dice.normal(count, 1, 1, 1) + balance * dice.normal(count, 3, 1, 1)
    power = torch.exp(gamma * dice.normal(count, 1, 1, 1))
    graded = image.clamp_min(1e-6).pow(power) + image.clamp_max(0)
    return graded * torch.exp(stops)
