"""The whole network: plate and clean plate to alpha, foreground colour and expected error."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .base import HINT_CHANNELS, NEIGHBOURS, Draw, Look, Motion, Think, Widths
from .encode import decode_view, encode_view
from .refine import Refine, draw_foreground, project_alpha, upsample4

Tensor = torch.Tensor


@dataclass(frozen=True)
class Cues:
    """What the network is shown of one frame; N x C x H x W, H and W multiples of 32.

    plate, clean: 3 channels, scene-linear Rec.709. trust: 1 channel, 0 where the clean plate does
    not cover the frame. hints: garbage, core and hint (see `base.HINT_CHANNELS`).
    """

    plate: Tensor
    clean: Tensor
    trust: Tensor
    hints: Tensor

    def rows(self, start: int, end: int) -> Cues:
        """Return the same cues for some rows of the frame."""
        parts = (self.plate, self.clean, self.trust, self.hints)
        return Cues(*(part[:, :, start:end] for part in parts))


@dataclass(frozen=True)
class Drawn:
    """What the network answers; N x C x H x W.

    alpha is not clamped (the caller clamps); coarse is the alpha before refinement; foreground is
    straight, scene-linear Rec.709; error is the absolute error of alpha that is to be expected.
    """

    alpha: Tensor
    coarse: Tensor
    foreground: Tensor
    error: Tensor


def no_hints(plate: Tensor) -> Tensor:
    """Return hints that say nothing, for a plate of N x 3 x H x W."""
    return plate.new_zeros(plate.shape[0], HINT_CHANNELS, *plate.shape[2:])


def channels_last(image: Tensor) -> Tensor:
    """Return the tensor with its channels together in memory: convolutions take half the time."""
    return image.contiguous(memory_format=torch.channels_last)


class Matter(nn.Module):
    """The network in its three stages; `forward` runs them on a whole frame at once."""

    ALIGN_PX = 32
    """Height and width must be multiples of this."""
    LOOK_HALO_PX = 32
    """Rows that `look` needs beyond a tile for the tile to equal the untiled result."""
    DRAW_HALO_PX = 48
    """Rows that `draw` needs beyond a tile, likewise."""

    def __init__(self, widths: Widths | None = None, is_temporal: bool = False) -> None:
        """Take the channel widths and whether neighbouring frames are fused."""
        super().__init__()
        self.widths = widths or Widths()
        self.look_stage = Look(self.widths)
        self.motion = Motion(self.widths.eighth) if is_temporal else None
        self.think_stage = Think(self.widths)
        self.draw_stage = Draw(self.widths)
        self.refine = Refine(self.widths.half)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def is_temporal(self) -> bool:
        """Whether neighbouring frames change the result."""
        return self.motion is not None

    def look(self, cues: Cues) -> tuple[Tensor, Tensor]:
        """Return features at 1/4 and 1/8 of the cues, or of some rows of them."""
        parts = (encode_view(cues.plate), encode_view(cues.clean), cues.trust, cues.hints)
        return self.look_stage(*(channels_last(part) for part in parts))

    def think(self, eighth: Tensor, neighbours: list[Tensor | None] | None = None) -> Tensor:
        """Return features at 1/8 that know the whole frame and its neighbours in time.

        neighbours: their features at 1/8 as `look` returns them, at the offsets of NEIGHBOURS;
        None where there is no such frame.
        """
        if self.motion is not None:
            eighth = self.motion(eighth, neighbours or [None] * len(NEIGHBOURS))
        return self.think_stage(eighth)

    def draw(self, cues: Cues, quarter: Tensor, eighth: Tensor) -> Drawn:
        """Return alpha and the rest for the cues, or for some rows of them."""
        heads, detail = self.draw_stage(quarter, eighth)
        coarse = upsample4(heads[:, :1].float())
        plate_encoded, clean_encoded = encode_view(cues.plate), encode_view(cues.clean)
        foreground_encoded = draw_foreground(plate_encoded, heads[:, 1:4].float())
        foreground = decode_view(foreground_encoded)
        # Where the clean plate is not to be trusted, there is nothing to project from.
        projected = project_alpha(cues.plate, cues.clean, foreground) * cues.trust
        distance = (foreground_encoded - clean_encoded).abs().amax(1, keepdim=True) * cues.trust
        difference = channels_last((plate_encoded - clean_encoded) * cues.trust)
        alphas = torch.cat([coarse, projected, distance], 1)
        alpha, error = self.refine(difference, alphas, detail)
        return Drawn(alpha, coarse, foreground, error)

    def forward(self, cues: Cues, neighbours: list[Tensor | None] | None = None) -> Drawn:
        """Return what the network answers for whole frames."""
        quarter, eighth = self.look(cues)
        return self.draw(cues, quarter, self.think(eighth, neighbours))
