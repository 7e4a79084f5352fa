"""Runs a published network on a frame with the processing before and after it was published with.

Each sees clamped sRGB; what is brighter than white comes back in the solve stage, which takes the
foreground from plate, clean plate and alpha.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from ..matter import Cues, Drawn
from .mattingv2 import MattingBase, MattingRefine
from .morphology import largest_component
from .seed import SeedNetwork
from .segmentation import SIDE_PX, Box, box_of, find_subject, soften
from .view import decode_srgb, encode_pair

Tensor = torch.Tensor

_HD_PIXELS = 1920 * 1080
_COARSE_LONG_SIDE = 512
_OPAQUE, _VISIBLE, _PART = 0.95, 0.01, 0.05


def run_published(network: nn.Module, cues: Cues) -> Drawn:
    """Return what a published network answers. cues: of any size, on the network's device."""
    if isinstance(network, SeedNetwork):
        return run_seed(network, cues)
    if isinstance(network, MattingRefine):
        return run_refine(network, cues)
    assert isinstance(network, MattingBase)
    return run_base(network, cues)


def scale_for(height: int, width: int) -> float:
    """Return the part of the resolution at which V2's backbone works: 1/4 at HD, 1/8 at 4K.

    In between and beyond: the largest half of a half that leaves 512 pixels, the size that the
    backbone was trained at, and never more than 1/2.
    """
    scale = 0.5
    while max(height, width) * scale > _COARSE_LONG_SIDE:
        scale /= 2
    return scale


def sample_pixels_for(height: int, width: int) -> int:
    """Return how many pixels V2 refines: 80 000 at HD, 320 000 at 4K, and in that proportion."""
    return max(16, round(80_000 * height * width / _HD_PIXELS))


def run_refine(network: MattingRefine, cues: Cues) -> Drawn:
    """Return what BackgroundMattingV2 answers at full resolution, sampling what it refines.

    The expected error is that of its coarse alpha: it states none for what it has refined.
    """
    height, width = cues.plate.shape[2:]
    network.scale = scale_for(height, width)
    network.refiner.settings = replace(
        network.refiner.settings, mode="sampling", sample_pixels=sample_pixels_for(height, width)
    )
    plate, clean = (_pad(view, network.ALIGN_PX) for view in _filled_pair(cues))
    drawn = network(plate, clean)
    size = plate.shape[2], plate.shape[3]
    coarse, error = (_resize(part, size) for part in (drawn.coarse_alpha, drawn.coarse_error))
    foreground = decode_srgb(drawn.foreground.float())
    parts = (drawn.alpha, coarse, foreground, error)
    return Drawn(*(part[:, :, :height, :width].float() for part in parts))


def run_base(network: MattingBase, cues: Cues) -> Drawn:
    """Return what V2's coarse network answers at the size it was trained at, drawn larger."""
    size = cues.plate.shape[2], cues.plate.shape[3]
    scale = min(1.0, 2 * scale_for(*size))
    small = [max(network.ALIGN_PX, round(side * scale)) for side in size]
    plate, clean = (_resize(view, small) for view in _filled_pair(cues))
    drawn = network(plate, clean)
    alpha, foreground, error = (
        _resize(part.float(), size) for part in (drawn.alpha, drawn.foreground, drawn.error)
    )
    return Drawn(alpha, alpha, decode_srgb(foreground), error)


def run_seed(network: SeedNetwork, cues: Cues) -> Drawn:
    """Return what the seed's network answers for the box around the subject; elsewhere alpha is 0.

    It tells nothing of its own error, so that the expected error is 1 everywhere.
    """
    plate, clean = encode_pair(cues)
    subject = find_subject(cues, plate, clean)
    # As published, the plate fills what the clean plate does not cover, except in the subject.
    clean = torch.where((cues.trust > 0) | subject, clean, plate)
    frames = zip(plate.split(1), clean.split(1), subject.split(1), strict=True)
    answers = [_matte_subject(network, *frame) for frame in frames]
    alpha = torch.cat([alpha for alpha, _ in answers])
    foreground = torch.cat([colour for _, colour in answers])
    return Drawn(alpha, alpha, decode_srgb(foreground), torch.ones_like(alpha))


def _matte_subject(
    network: SeedNetwork, plate: Tensor, clean: Tensor, subject: Tensor
) -> tuple[Tensor, Tensor]:
    """Return alpha and encoded foreground of one frame, 1 x C x H x W."""
    alpha, foreground = torch.zeros_like(plate[:, :1]), torch.zeros_like(plate)
    box = box_of(subject)
    if box is None:
        return alpha, foreground
    square = (SIDE_PX, SIDE_PX)
    own, behind, marks = (
        _resize(box.cut(part.float()), square) for part in (plate, clean, subject)
    )
    drawn = network(own * 2 - 1, behind * 2 - 1, soften(marks) * 2 - 1)
    found, colour = finish_seed(drawn.alpha.float(), drawn.foreground.float(), own)
    _paste(alpha, found, box)
    _paste(foreground, colour, box)
    return alpha, foreground


def finish_seed(alpha: Tensor, foreground: Tensor, plate: Tensor) -> tuple[Tensor, Tensor]:
    """Return alpha and foreground in 0..1, as published, of one answer in -1..1.

    Where alpha is above 0.95 of -1..1 the plate is the foreground; of alpha only the largest
    connected part above 0.05 of 0..1 is kept, so that a second person or a prop beside the first
    vanishes; the foreground is black where alpha is 0.01 or less. plate: 1 x 3, 0..1.
    """
    colour = torch.where(alpha > _OPAQUE, plate, ((foreground + 1) / 2).clamp(0, 1))
    alpha = ((alpha + 1) / 2).clamp(0, 1)
    alpha = alpha * largest_component(alpha > _PART)
    return alpha, colour * (alpha > _VISIBLE)


def _paste(image: Tensor, part: Tensor, box: Box) -> None:
    into = box.cut(image)
    into.copy_(_resize(part, into.shape[2:]))


def _filled_pair(cues: Cues) -> tuple[Tensor, Tensor]:
    """Return the views for V2: as published, the plate fills what the clean plate lacks."""
    plate, clean = encode_pair(cues)
    return plate, torch.where(cues.trust > 0, clean, plate)


def _pad(view: Tensor, multiple: int) -> Tensor:
    below, beside = -view.shape[2] % multiple, -view.shape[3] % multiple
    return nn.functional.pad(view, (0, beside, 0, below), mode="replicate")


def _resize(image: Tensor, size: tuple[int, ...] | list[int]) -> Tensor:
    return nn.functional.interpolate(image, size, mode="bilinear", align_corners=False)
