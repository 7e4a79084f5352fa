"""Every way in which a real clean plate differs from the set behind the subject.

Images are N x 3 x S x S, scene-linear; each fault is drawn per sample.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from ..network.encode import decode_view, encode_view
from .shapes import Dice, fractal, grid_px, noise

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
    count = image.shape[0]
    angle = dice.uniform(0, 2 * math.pi, count, 1, 1, 1)
    total = torch.zeros_like(image)
    taps = 11
    for tap in range(taps):
        part = (tap / (taps - 1) - 0.5) * length_px
        total += shift(image, (torch.cos(angle) * part), (torch.sin(angle) * part), "border")
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
    """Return the image with sensor noise: part constant, part growing with the square root.

    strength: N x 1 x 1 x 1, about the deviation at diffuse white. Half of the time the noise is
    correlated over neighbouring pixels, as film grain and demosaiced footage are.
    """
    count, channels, size, _ = image.shape
    field = dice.normal(count, channels, size, size)
    some = dice.some(0.5, count)
    if len(some):
        soft = blur(field[some], dice.uniform(0.4, 0.9, len(some), 1, 1, 1))
        field[some] = soft / soft.std((1, 2, 3), keepdim=True).clamp_min(1e-3)
    mono = dice.uniform(0, 0.8, count, 1, 1, 1)
    field = field * (1 - mono) + field.mean(1, keepdim=True) * mono * 1.5
    deviation = strength * (0.15 + image.clamp_min(0).sqrt().clamp_max(3.0))
    return image + deviation * field


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


def vignette(dice: Dice, image: Tensor, strength: float) -> Tensor:
    """Return the image darker or brighter away from a centre, as flicker and falloff do."""
    count, _, size, _ = image.shape
    field = noise(dice, count, 1, size, 2) * strength
    return image * torch.exp(field * dice.chance(0.4, count))


def shadow(dice: Dice, alpha: Tensor) -> Tensor:
    """Return what a subject's shadow and bounce multiply the set by, N x 3 x S x S."""
    count, _, size, _ = alpha.shape
    # Cast far away or, at the subject's feet, hardly moved.
    reach = dice.uniform(0.0, 1.0, count, 1, 1, 1).square() * 0.25 * size
    dx, dy = (dice.uniform(-1, 1, count, 1, 1, 1) * reach for _ in range(2))
    cast = shift(alpha, dx, dy, "border")
    small = functional.avg_pool2d(cast, 4)
    small = blur(small, dice.uniform(0.3, 4.5, count, 1, 1, 1))
    cast = functional.interpolate(small, size=(size, size), mode="bilinear")
    tint = 1 + 0.1 * dice.normal(count, 3, 1, 1)
    depth = dice.uniform(0, 0.55, count, 1, 1, 1) * dice.chance(0.55, count) * tint
    bounce = dice.uniform(0, 0.08, count, 3, 1, 1) * dice.chance(0.2, count)
    return (1 - depth * cast).clamp_min(0.1) * (1 + bounce * cast)


def moved_props(dice: Dice, image: Tensor, other: Tensor) -> Tensor:
    """Return the set with a small thing in it, in some samples, that the plate does not have."""
    some = dice.some(0.08, image.shape[0])
    if not len(some):
        return image
    count, size = len(some), image.shape[-1]
    x, y = grid_px(size, image.device)
    cx, cy = (dice.uniform(-0.5, 0.5, count, 1, 1, 1) * size for _ in range(2))
    radius = dice.uniform(0.02, 0.09, count, 1, 1, 1) * size
    distance = ((x - cx).square() + (y - cy).square()).sqrt()
    patch = (radius - distance - 4 * fractal(dice, count, 1, size, 6, 2)).clamp(0, 1)
    changed = image.clone()
    changed[some] = torch.lerp(image[some], other[some], patch)
    return changed
