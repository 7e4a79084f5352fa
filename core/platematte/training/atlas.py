"""Images of any size in one tensor, cut from in batches: no loop over samples, no padding.

Each image is stored at full, half and quarter size, a pixel in 32 bits: four bytes, or three
mantissas and a shared exponent (Ward, "Real Pixels", 1991) where the image is scene-linear.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

Tensor = torch.Tensor

LEVELS = 3
_EXPONENT_BIAS = 136
"""128 for the exponent's sign and 8 for the mantissa's bits."""


@dataclass(frozen=True)
class Atlas:
    """Packed images. offsets, heights, widths: K x LEVELS; is_linear: pixels are RGBE."""

    pixels: Tensor
    offsets: Tensor
    heights: Tensor
    widths: Tensor
    is_linear: bool = False

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.offsets)

    def to(self, device: torch.device) -> Atlas:
        """Return the same images on a device."""
        return Atlas(
            self.pixels.to(device),
            self.offsets.to(device),
            self.heights.to(device),
            self.widths.to(device),
            self.is_linear,
        )

    def image(self, number: int, level: int = 0) -> Tensor:
        """Return one image, 4 x H x W, as `cut` returns its pixels."""
        start = int(self.offsets[number, level])
        height, width = int(self.heights[number, level]), int(self.widths[number, level])
        packed = self.pixels[start : start + height * width]
        return self._unpack(packed).view(height, width, 4).permute(2, 0, 1)

    def cut(self, chosen: Tensor, zoom: Tensor, place: Tensor, mirror: bool) -> Tensor:
        """Return N x 4 x S x S pieces, bilinear: bytes as 0..1, or linear values and 1.

        chosen: N numbers of images. zoom: N magnifications, by which the stored size is chosen.
        place: N x S x S x 2, x and y in px of the full size from the image's middle. Beyond the
        image it is mirrored, or there is nothing.
        """
        level = (-torch.log2(zoom) + 0.6).floor().clamp(0, LEVELS - 1).long()
        height, width, start = (
            part[chosen, level].view(-1, 1, 1) for part in (self.heights, self.widths, self.offsets)
        )
        full = torch.stack([self.widths[chosen, 0], self.heights[chosen, 0]], 1).view(-1, 1, 1, 2)
        size = torch.cat([width, height], 2).view(-1, 1, 1, 2)
        at = (place / full + 0.5) * size - 0.5
        if mirror:
            at = _mirrored(at, size)
        corner = at.floor()
        part = at - corner
        corner = corner.long()
        total = torch.zeros(*place.shape[:3], 4, device=place.device)
        for dx in (0, 1):
            for dy in (0, 1):
                x, y = corner[..., 0] + dx, corner[..., 1] + dy
                share = (1 - (part[..., 0] - dx).abs()) * (1 - (part[..., 1] - dy).abs())
                if not mirror:
                    share = share * ((x >= 0) & (x < width) & (y >= 0) & (y < height))
                x, y = x.clamp_min(0).minimum(width - 1), y.clamp_min(0).minimum(height - 1)
                packed = torch.take(self.pixels, start + y * width + x)
                total.addcmul_(self._unpack(packed), share.unsqueeze(3))
        return total.permute(0, 3, 1, 2)

    def _unpack(self, packed: Tensor) -> Tensor:
        parts = packed.contiguous().view(torch.uint8).view(*packed.shape, 4)
        if not self.is_linear:
            return parts.float().div_(255)
        scale = torch.exp2(parts[..., 3:].float() - _EXPONENT_BIAS)
        return torch.cat([parts[..., :3].float() * scale, torch.ones_like(scale)], -1)


def _mirrored(at: Tensor, size: Tensor) -> Tensor:
    """Return places folded back into 0..size-1 at the edges."""
    span = (size - 1).clamp_min(1)
    return span - ((at.remainder(2 * span)) - span).abs()


def pack(images: list[np.ndarray], is_linear: bool = False) -> Atlas:
    """Return an atlas of H x W x 4 images: bytes, or float32 whose fourth channel is not kept."""
    pixels, offsets, heights, widths = [], [], [], []
    total = 0
    for image in images:
        for level in range(LEVELS):
            size = [max(8, n >> level) for n in (image.shape[1], image.shape[0])]
            # cv2 averages in float: bytes would be rounded once for every level.
            smaller = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            packed = _rgbe(smaller) if is_linear else smaller.round().clip(0, 255).astype(np.uint8)
            pixels.append(np.ascontiguousarray(packed).view(np.int32).reshape(-1))
            offsets.append(total)
            heights.append(size[1])
            widths.append(size[0])
            total += size[0] * size[1]
    joined = np.concatenate(pixels) if pixels else np.zeros(0, np.int32)
    offset, height, width = (
        torch.tensor(part).view(-1, LEVELS) for part in (offsets, heights, widths)
    )
    return Atlas(torch.from_numpy(joined), offset, height, width, is_linear)


def _rgbe(image: np.ndarray) -> np.ndarray:
    """Return H x W x 4 bytes: mantissas and the exponent of the brightest channel."""
    peak = image[..., :3].max(2)
    mantissa, exponent = np.frexp(np.maximum(peak, 1e-9))
    scale = np.where(peak > 1e-9, mantissa * 256 / np.maximum(peak, 1e-9), 0)
    colour = (image[..., :3].clip(0) * scale[..., None]).clip(0, 255)
    return np.concatenate([colour, (exponent + 128)[..., None].clip(0, 255)], 2).astype(np.uint8)
